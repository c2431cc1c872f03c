/** Which texts may stand in front of the keys that a tenant issues. */

import { CREDENTIAL_ROUTING } from './credential-routing.ts';

const PREFIX = /^[A-Za-z0-9_]{1,16}$/;

/** Stands in front of admin credentials. A format: never change it. */
export const ADMIN_CREDENTIAL_PREFIX = 'cardea_admin';

/** Prefixes of other credentials: a key that carried one would be taken for that. */
const RESERVED: readonly string[] = [
  ADMIN_CREDENTIAL_PREFIX,
  ...CREDENTIAL_ROUTING.macaroonPrefixes,
];

export const PREFIX_RULE = '1 to 16 of A–Z a–z 0–9 _, and not reserved (cardea_admin, mc)';

export function isApiKeyPrefix(text: string): boolean {
  return PREFIX.test(text) && !RESERVED.includes(text);
}
