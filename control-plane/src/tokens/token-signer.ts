/** Signs derived tokens with the tenant's active key. */

import { encodeUtf8 } from '@cardea/shared/bytes/utf8';
import type { KeyEncryptionKey } from '@cardea/shared/crypto/derive-key';
import { CompactSign, type CryptoKey } from 'jose';
import type { KeyRing } from '../master-keys.ts';
import { openSigningKey } from '../signing-keys/sealed-signing-key.ts';
import type { ActiveSigningKey } from './minting-store.ts';

/** The JWT (RFC 7519 §7.1) of `claims`, a JSON object, signed with `signingKey`. */
export type SignToken = (signingKey: ActiveSigningKey, claims: object) => Promise<string>;

/** Opened keys kept in memory, by what they were opened from: more than a tenant has at a time. */
const OPENED_KEYS_MAX = 16;

export function createTokenSigner(keyEncryption: KeyRing<KeyEncryptionKey>): SignToken {
  const opened = new Map<string, CryptoKey>();
  return async (signingKey, claims) => {
    const { kid, algorithm, sealedPrivateJwk } = signingKey;
    const key = opened.get(sealedPrivateJwk) ?? (await openSigningKey(signingKey, keyEncryption));
    if (opened.size >= OPENED_KEYS_MAX) opened.clear();
    opened.set(sealedPrivateJwk, key);
    return new CompactSign(encodeUtf8(JSON.stringify(claims)))
      .setProtectedHeader({ alg: algorithm, kid, typ: 'JWT' })
      .sign(key);
  };
}
