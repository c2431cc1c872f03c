/**
 * The OpenAPI 3.1 document of the routes, made from the schemas that validate requests: what it says
 * is refused is refused. JSON Schema 2020-12 inside (OpenAPI 3.1 §4.8.24). No I/O.
 */

import { z } from 'zod';
import { PROBLEMS } from './problem.ts';
import type { Answer, Route } from './route.ts';

type Json = Readonly<Record<string, unknown>>;

export interface DocumentInfo {
  readonly version: string;
  readonly serverUrl: string;
}

export function openApiDocument(routes: readonly Route[], info: DocumentInfo): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operationOf(route) };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Cardea control plane', version: info.version, license: LICENSE },
    servers: [{ url: info.serverUrl }],
    paths,
    components: {
      schemas: { Error: ERROR },
      securitySchemes: {
        admin: { type: 'http', scheme: 'bearer', description: 'An admin credential.' },
      },
    },
  };
}

const LICENSE = { name: 'Apache-2.0', identifier: 'Apache-2.0' };

function operationOf(route: Route): Json {
  const isAnonymous = route.permission === 'anonymous';
  const [, , resource = ''] = /^\/(v[0-9a-z]+\/)?(?:admin\/)?([^/:]*)/.exec(route.path) ?? [];
  return {
    operationId: route.operationId,
    summary: route.summary,
    tags: [resource],
    security: isAnonymous ? [] : [{ admin: [] }],
    ...(isAnonymous ? {} : { 'x-permission': route.permission }),
    parameters: [...pathParameters(route.path), ...queryParameters(route.query)],
    ...requestBodyOf(route),
    responses: { ...answersOf(route), default: refusedOf(route) },
  };
}

function pathParameters(path: string): Json[] {
  return [...path.matchAll(/\{([a-z_]+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

function queryParameters(query: z.ZodType | undefined): Json[] {
  if (query === undefined) return [];
  const { properties = {}, required = [] } = schemaOf(query) as {
    readonly properties?: Json;
    readonly required?: readonly string[];
  };
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
  }));
}

function requestBodyOf({ body, form }: Route): Json {
  if (form !== undefined) {
    return { requestBody: { required: true, content: contentOf(FORM_TYPE, form) } };
  }
  return body === undefined ? {} : { requestBody: { content: contentOf(JSON_TYPE, body) } };
}

const JSON_TYPE = 'application/json';
const FORM_TYPE = 'application/x-www-form-urlencoded';

function answersOf({ answers }: Route): Json {
  const responses = Object.entries(answers).map(([status, answer]) => [status, responseOf(answer)]);
  return Object.fromEntries(responses);
}

function responseOf(answer: Answer): Json {
  const description = 'Done.';
  if (answer === null) return { description };
  if (!('mediaType' in answer)) return { description, content: contentOf(JSON_TYPE, answer) };
  return { description, content: contentOf(answer.mediaType, answer.schema) };
}

function contentOf(mediaType: string, schema: z.ZodType): Json {
  return { [mediaType]: { schema: schemaOf(schema) } };
}

function refusedOf({ refusal }: Route): Json {
  return refusal === undefined ? REFUSED : { ...REFUSED, content: contentOf(JSON_TYPE, refusal) };
}

/** What a client may send (`input`): defaults are optional, transformed members as they are sent. */
function schemaOf(schema: z.ZodType): Json {
  const { $schema, ...rest } = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      // An enum or an int64 is read from a union; its `meta` says more than the union does.
      if (jsonSchema.enum !== undefined) delete jsonSchema.anyOf;
    },
  });
  return rest;
}

/** AIP-193, as `problemResponse` writes it. */
const ERROR = {
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['code', 'message', 'status', 'details'],
      properties: {
        code: { type: 'integer', description: 'The HTTP status.' },
        message: { type: 'string' },
        status: { type: 'string', description: 'Name in google.rpc.Code.' },
        details: {
          type: 'array',
          items: {
            type: 'object',
            required: ['@type', 'reason', 'domain'],
            properties: {
              '@type': { const: 'type.googleapis.com/google.rpc.ErrorInfo' },
              reason: { enum: Object.keys(PROBLEMS).map((code) => code.toUpperCase()) },
              domain: { type: 'string' },
              metadata: { type: 'object', additionalProperties: { type: 'string' } },
            },
          },
        },
      },
    },
  },
};

const REFUSED = {
  description: 'Refused, or failed: `reason` is a stable code.',
  content: { [JSON_TYPE]: { schema: { $ref: '#/components/schemas/Error' } } },
};
