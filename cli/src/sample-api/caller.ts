/**
 * Who calls, as the edge says it. An API may believe these headers only if nothing but its edge
 * can reach it: the sample listens on the loopback address alone.
 */

import type { IncomingHttpHeaders } from 'node:http';

export interface Caller {
  readonly key_id: string;
  readonly actor: string | null;
  readonly tenant: string;
  readonly scopes: readonly string[];
  readonly token_id: string;
}

/** The caller, or `undefined` if the request did not come by the edge as an authenticated one. */
export function callerOf(headers: IncomingHttpHeaders): Caller | undefined {
  const keyId = read(headers, 'cardea-key-id');
  const tenant = read(headers, 'cardea-tenant');
  const tokenId = read(headers, 'cardea-token-id');
  if (keyId === undefined || tenant === undefined || tokenId === undefined) return undefined;
  const scopes = headerText(headers, 'cardea-scopes').split(' ');
  return {
    key_id: keyId,
    actor: read(headers, 'cardea-actor') ?? null,
    tenant,
    scopes: scopes.filter((scope) => scope !== '').map(decode),
    token_id: tokenId,
  };
}

function read(headers: IncomingHttpHeaders, name: string): string | undefined {
  const text = headerText(headers, name);
  return text === '' ? undefined : decode(text);
}

function headerText(headers: IncomingHttpHeaders, name: string): string {
  const value = headers[name];
  return typeof value === 'string' ? value : '';
}

/** The edge percent-encodes what is not plain ASCII; a text that is not so encoded stands as it is. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
