/** The rules for the settings about administrators' JWTs. Pure. */

import { isJsonObject, parseStrictJson } from '@cardea/shared/json/strict-json';
import { ADMIN_ROLES, type AdminRole } from '../admin-credentials/admin-credential.ts';

/** Names of this very machine: nobody stands in between. */
const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '[::1]', 'localhost']);

/** Whoever can alter the answer on its way makes administrators: https, or no way at all. */
export function isJwksUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || url.username !== '' || url.password !== '' || url.hash !== '') return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.has(url.hostname));
}

/** `{"value of the claim": "role", …}`, at least one; `undefined` for anything else. */
export function parseRoles(json: string): ReadonlyMap<string, AdminRole> | undefined {
  const value = parseStrictJson(json);
  if (!isJsonObject(value)) return undefined;
  const roles = new Map<string, AdminRole>();
  for (const [claim, name] of Object.entries(value)) {
    const role = ADMIN_ROLES.find((each) => each === name);
    if (role === undefined) return undefined;
    roles.set(claim, role);
  }
  return roles.size === 0 ? undefined : roles;
}
