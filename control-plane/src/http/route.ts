/**
 * What a route is: one operation of the API at one method and path, with the permission it needs.
 * Routes are plain values; `mount-routes.ts` puts them on Hono.
 */

import type { z } from 'zod';
import type { Caller } from '../audit/audit-event.ts';
import { BODY_BYTES_MAX } from '../limits.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type { Permission, Principal } from './principal.ts';
import { type Problem, problemResponse } from './problem.ts';
import { firstBrokenRule } from './protojson.ts';
import { readRequestBody } from './request-body.ts';
import { parseStrictJson } from './strict-json.ts';

export interface RouteRequest {
  readonly raw: Request;
  /** Decoded path parameters. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly requestId: string;
  /** From where the client calls, as `Deps.clientAddressOf` says. Absent if nobody can tell. */
  readonly clientAddress?: string;
  /** Whose keys this request is about: see `tenants/tenant-resolver`. */
  readonly tenant: Tenant;
  /** Present on every route whose permission is not `anonymous`. */
  readonly principal?: Principal;
  /** For audit events. On anonymous routes it says only from where. */
  readonly caller: Caller;
}

export interface Route {
  /** As in the OpenAPI document: the official client's method has the same name. */
  readonly operationId: string;
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** OpenAPI template: `/v2alpha1/admin/issuedApiKeys/{key_id}:revoke`. */
  readonly path: string;
  /** Which surface serves it: `all` is served by either and by both together. */
  readonly surface: 'admin' | 'public' | 'all';
  /** Anything but `anonymous` must lie under an admin prefix, and the other way round. */
  readonly permission: Permission;
  /** Concerns the deployment and no tenant: answers under every host name. Anonymous routes only. */
  readonly isForAnyHost?: boolean;
  readonly body?: z.ZodType;
  /** Absent: `BODY_BYTES_MAX`. */
  readonly bodyBytesMax?: number;
  /** A form-encoded body, for the OpenAPI document: the handler reads it by itself. */
  readonly form?: z.ZodType;
  /** One sentence for the OpenAPI document. */
  readonly summary: string;
  /** Of the query parameters: what `parseQuery` is given. */
  readonly query?: z.ZodType;
  /** What a good call answers, by status. */
  readonly answers: Readonly<Record<number, Answer>>;
  /** Absent: a refusal has the envelope of `problemResponse`. */
  readonly refusal?: z.ZodType;
  readonly handle: (request: RouteRequest) => Promise<Response>;
}

/** JSON of a schema, no body at all (`null`), or text of another media type. */
export type Answer = z.ZodType | null | TextAnswer;

export interface TextAnswer {
  readonly mediaType: string;
  readonly schema: z.ZodType;
}

type JsonRoute<Body extends z.ZodType> = Omit<Route, 'body' | 'handle'> & {
  readonly body: Body;
  readonly handle: (body: z.output<Body>, request: RouteRequest) => Promise<Response>;
};

/** A route with a JSON body: read, parsed and checked before `handle` sees it. */
export function jsonRoute<Body extends z.ZodType>(route: JsonRoute<Body>): Route {
  return {
    ...route,
    handle: async (request) => {
      const body = await readMessage(request.raw, route);
      return body.ok ? route.handle(body.value, request) : problemResponse(body.problem);
    },
  };
}

export type MessageRead<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: Problem };

/** The body as the message of the route; an empty body is an empty message, as in grpc-gateway. */
async function readMessage<Body extends z.ZodType>(
  request: Request,
  { body: schema, bodyBytesMax = BODY_BYTES_MAX }: JsonRoute<Body>,
): Promise<MessageRead<z.output<Body>>> {
  const body = await readRequestBody(request, bodyBytesMax);
  if (!body.ok) return body;
  if (body.bytes.length === 0) return parseMessage({}, schema);
  const json = parseStrictJson(body.bytes);
  return json.ok ? parseMessage(json.value, schema) : badRequest(json.rule);
}

function parseMessage<Body extends z.ZodType>(
  value: unknown,
  schema: Body,
): MessageRead<z.output<Body>> {
  const parsed = schema.safeParse(value);
  return parsed.success
    ? { ok: true, value: parsed.data }
    : badRequest(firstBrokenRule(parsed.error));
}

/** The query as a message of `schema`. A parameter given twice is refused. */
export function parseQuery<Query extends z.ZodType>(
  query: URLSearchParams,
  schema: Query,
): MessageRead<z.output<Query>> {
  const names = [...query.keys()];
  const repeated = names.length !== new Set(names).size;
  if (repeated) return badRequest('A query parameter is given twice.');
  return parseMessage(Object.fromEntries(query), schema);
}

function badRequest(message: string): { readonly ok: false; readonly problem: Problem } {
  return { ok: false, problem: { code: 'bad_request', message } };
}
