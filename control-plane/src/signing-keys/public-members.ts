/** Which members of a JWK may be shown, by allow-list: a private member never passes. */

import type { PublicJwk } from '@cardea/shared/feed/keyset';

const ALLOWED = {
  OKP: ['kty', 'crv', 'x'],
  EC: ['kty', 'crv', 'x', 'y'],
  RSA: ['kty', 'n', 'e'],
} as const;

/** RFC 7517 §4, RFC 7518 §6, RFC 8037 §2. Throws on a key type that is not in the table. */
export function publicMembers(jwk: PublicJwk): PublicJwk & { readonly kty: string } {
  const { kty } = jwk;
  if (kty === undefined || !isKnown(kty)) throw new TypeError('The key type is unknown.');
  const members: Record<string, string> = {};
  for (const name of ALLOWED[kty]) {
    const value = jwk[name];
    if (value === undefined) throw new TypeError(`The key lacks "${name}".`);
    members[name] = value;
  }
  return { ...members, kty };
}

function isKnown(kty: string): kty is keyof typeof ALLOWED {
  return Object.hasOwn(ALLOWED, kty);
}
