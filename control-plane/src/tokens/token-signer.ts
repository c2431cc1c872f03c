/** Signs derived tokens with the tenant's active key. */

import { encodeUtf8 } from '@cardea/shared/bytes/utf8';
import type { KeyEncryptionKey } from '@cardea/shared/crypto/derive-key';
import type { JwsAlgorithm } from '@cardea/shared/crypto/verification-key';
import { CompactSign, importJWK, type JWK } from 'jose';
import type { KeyRing } from '../master-keys.ts';
import { openSigningKey } from '../signing-keys/sealed-signing-key.ts';
import type { ActiveSigningKey } from './minting-store.ts';

/** The JWT (RFC 7519 §7.1) of `claims`, a JSON object, signed with `signingKey`. */
export type SignToken = (signingKey: ActiveSigningKey, claims: object) => Promise<string>;

/** The compact JWS (RFC 7515 §7.1) of a payload. */
export type SignCompact = (payload: string) => Promise<string>;

/** What `header` and a private key sign with; the key cannot be taken out of it again. */
export type MakeSigner = (privateJwk: JWK, header: TokenHeader) => Promise<SignCompact>;

export interface TokenHeader {
  readonly alg: JwsAlgorithm;
  readonly kid: string;
  readonly typ: 'JWT';
}

/** Opened keys kept in memory, by what they were opened from: more than a tenant has at a time. */
const OPENED_KEYS_MAX = 16;

export function createTokenSigner(
  keyEncryption: KeyRing<KeyEncryptionKey>,
  makeSigner: MakeSigner = makeJoseSigner,
): SignToken {
  const opened = new Map<string, SignCompact>();
  const open = async (signingKey: ActiveSigningKey) => {
    const { algorithm, kid, sealedPrivateJwk } = signingKey;
    const privateJwk = await openSigningKey(signingKey, keyEncryption);
    const sign = await makeSigner(privateJwk, { alg: algorithm, kid, typ: 'JWT' });
    if (opened.size >= OPENED_KEYS_MAX) opened.clear();
    opened.set(sealedPrivateJwk, sign);
    return sign;
  };
  return async (signingKey, claims) => {
    const sign = opened.get(signingKey.sealedPrivateJwk) ?? (await open(signingKey));
    return sign(JSON.stringify(claims));
  };
}

export async function makeJoseSigner(privateJwk: JWK, header: TokenHeader): Promise<SignCompact> {
  const key = await importJWK(privateJwk, header.alg, { extractable: false });
  return (payload) =>
    new CompactSign(encodeUtf8(payload)).setProtectedHeader({ ...header }).sign(key);
}
