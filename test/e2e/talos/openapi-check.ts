/**
 * Holds every answer of a server against Talos's own OpenAPI document, where that document is at hand:
 * beside the checkout, never in it. Without it the calls are still made and their outcomes asserted.
 */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ROOT } from '../../tidy/source-files.ts';

const DOCUMENT = join(ROOT, '../shared/data/talos-openapi.json');

interface Operation {
  readonly operationId: string;
  readonly method: string;
  readonly path: RegExp;
  /** Schema names by status. */
  readonly schemas: ReadonlyMap<string, string>;
}

export interface OpenApiCheck {
  /** What is wrong with an answer; empty if nothing is. */
  problemsOf(answer: RecordedAnswer): readonly string[];
}

export interface RecordedAnswer {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly body: unknown;
}

/** Members that Cardea adds to Talos's messages: each is documented, and no client trips over it. */
const ADDED = new Set(['disable_time', 'overlap_end_time', 'status', 'unit']);

type JsonSchema = Exclude<Parameters<typeof z.fromJSONSchema>[0], boolean>;
type Schemas = Record<string, JsonSchema>;

export function loadOpenApiCheck(): OpenApiCheck | undefined {
  if (!existsSync(DOCUMENT)) return undefined;
  const document = JSON.parse(readFileSync(DOCUMENT, 'utf8'));
  const definitions: Schemas = JSON.parse(
    JSON.stringify(document.components.schemas).replaceAll('#/components/schemas/', '#/$defs/'),
  );
  const operations = operationsOf(document.paths);
  return {
    problemsOf({ method, path, status, body }) {
      const operation = operations.find((each) => each.method === method && each.path.test(path));
      if (operation === undefined) return [`${method} ${path} is not in the document`];
      const name = operation.schemas.get(status < 300 ? '200' : 'default');
      const isEmpty = status === 204 || status === 202;
      if (isEmpty) return body === undefined ? [] : [`${path}: a body with ${status}`];
      if (name === undefined) return [`${operation.operationId}: no schema for ${status}`];
      // Errors are AIP-193's envelope around the documented message (talos-api.md §8).
      const message = status < 300 ? body : memberOf(body, 'error');
      const schema = z.fromJSONSchema({ $ref: `#/$defs/${name}`, $defs: definitions });
      const parsed = schema.safeParse(withoutNulls(message));
      const broken = (parsed.error?.issues ?? []).map(
        (issue) => `${operation.operationId} ${issue.path.join('.')}: ${issue.message}`,
      );
      return [...broken, ...unknownMembers(message, { name, definitions, status })];
    },
  };
}

function unknownMembers(
  message: unknown,
  { name, definitions, status }: { name: string; definitions: Schemas; status: number },
): string[] {
  const known = definitions[name]?.properties ?? {};
  if (status >= 300 || typeof message !== 'object' || message === null) return [];
  const isJwks = name === 'GetJWKSResponse'; // `keys` beside `jwks`, for readers of RFC 7517.
  return Object.keys(message)
    .filter((member) => !Object.hasOwn(known, member) && !ADDED.has(member) && !isJwks)
    .map((member) => `${name}: the member ${member} is not in the document`);
}

/** protojson: `null` stands for an unset message, everywhere but inside a Struct. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).filter(([, member]) => member !== null);
  return Object.fromEntries(
    members.map(([name, member]) => [
      name,
      name === 'metadata' || name === 'claims' ? member : withoutNulls(member),
    ]),
  );
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

const METHODS = ['get', 'post', 'patch', 'delete'];

type Paths = Record<string, Record<string, { operationId: string; responses: Responses }>>;
type Responses = Record<
  string,
  { content?: { 'application/json'?: { schema?: { $ref?: string } } } }
>;

function operationsOf(paths: Paths): Operation[] {
  return Object.entries(paths).flatMap(([template, methods]) =>
    Object.entries(methods)
      .filter(([method]) => METHODS.includes(method))
      .map(([method, { operationId, responses }]) => ({
        operationId,
        method: method.toUpperCase(),
        path: new RegExp(`^${template.replace(/\{[^}]+\}/g, '[^/:]+')}$`),
        schemas: new Map(
          Object.entries(responses).flatMap(([status, { content }]) => {
            const reference = content?.['application/json']?.schema?.$ref;
            return reference === undefined ? [] : [[status, reference.split('/').pop() ?? '']];
          }),
        ),
      })),
  );
}
