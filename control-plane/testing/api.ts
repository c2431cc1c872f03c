/** Calls the control plane in workerd tests the way a client does. */

import { env, exports } from 'cloudflare:workers';

export const ORIGIN = 'http://127.0.0.1:4420';
export const ISSUED = '/v2alpha1/admin/issuedApiKeys';
export const IMPORTED = '/v2alpha1/admin/importedApiKeys';

export interface Call {
  /** Where it is sent; the default tenant's otherwise. */
  readonly origin?: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  /** Sent as JSON, unless it is text already. */
  readonly body?: unknown;
}

/** A call without credentials. */
export function anonymous(
  path: string,
  { origin = ORIGIN, method, headers, body }: Call = {},
): Promise<Response> {
  const text = typeof body === 'string' || body === undefined ? body : JSON.stringify(body);
  return exports.default.fetch(
    new Request(`${origin}${path}`, {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: { 'Content-Type': 'application/json', ...headers },
      ...(text === undefined ? {} : { body: text }),
    }),
  );
}

/** A call with the bootstrap admin token. */
export function admin(path: string, call: Call = {}): Promise<Response> {
  const headers = { Authorization: `Bearer ${env.TEST_ADMIN_TOKEN}`, ...call.headers };
  return anonymous(path, { ...call, headers });
}

/** Status and catalogue code of an answer, e.g. `409 conflict`; a good one has no code. */
export async function outcomeOf(response: Response): Promise<string> {
  if (response.ok) return String(response.status);
  const { error } = await response.json();
  return `${response.status} ${error.details[0].reason.toLowerCase()}`;
}

/** Issues a key and returns `{ issued_api_key, secret }`. */
export async function issue(request: Record<string, unknown> = {}) {
  const response = await admin(ISSUED, { body: { name: 'key', actor_id: 'alice', ...request } });
  if (response.status !== 201) throw new Error(`Issue answered ${await outcomeOf(response)}.`);
  return response.json();
}

/** Imports a key and returns it; a raw key of its own if none is given. */
export async function importKey(request: Record<string, unknown> = {}) {
  const body = { name: 'key', actor_id: 'alice', raw_key: crypto.randomUUID(), ...request };
  const response = await admin(IMPORTED, { body });
  if (response.status !== 201) throw new Error(`Import answered ${await outcomeOf(response)}.`);
  return response.json();
}
