/** A private Ed25519 key as JWK (RFC 8037 §2): how the feed's signing key is configured. */

import { decodeBase64url } from '@cardea/shared/bytes/base64url';

export interface Ed25519PrivateJwk {
  readonly kty: 'OKP';
  readonly crv: 'Ed25519';
  /** The public key, base64url of 32 bytes. */
  readonly x: string;
  /** The private key, base64url of 32 bytes. */
  readonly d: string;
}

/** Stands where no key could be read, until the configuration is refused for it. */
export const NO_KEY: Ed25519PrivateJwk = { kty: 'OKP', crv: 'Ed25519', x: '', d: '' };

/** The key, without any other member, or `undefined`. Whether `x` belongs to `d` is not checked. */
export function parseEd25519PrivateJwk(text: string): Ed25519PrivateJwk | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined; // Not JSON: the caller reports it, without the parser's quote of the text.
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { kty, crv, x, d } = value as Record<string, unknown>;
  if (kty !== 'OKP' || crv !== 'Ed25519' || typeof x !== 'string' || typeof d !== 'string') {
    return undefined;
  }
  if (decodeBase64url(x)?.length !== 32 || decodeBase64url(d)?.length !== 32) return undefined;
  return { kty, crv, x, d };
}
