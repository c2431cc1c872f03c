/**
 * Private signing keys at rest: the private JWK, sealed under the key-encryption key and bound to
 * tenant and kid, so that a sealed key moved to another row does not open.
 */

import { decodeBase64url, encodeBase64url } from '@cardea/shared/bytes/base64url';
import { frame } from '@cardea/shared/bytes/framing';
import { decodeUtf8, encodeUtf8 } from '@cardea/shared/bytes/utf8';
import { openAead, sealAead } from '@cardea/shared/crypto/aead';
import type { KeyEncryptionKey } from '@cardea/shared/crypto/derive-key';
import type { RandomBytes } from '@cardea/shared/crypto/random';
import type { JwsAlgorithm } from '@cardea/shared/crypto/verification-key';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';
import type { KeyRing } from '../master-keys.ts';
import { type Resealed, type ResealingMeans, reseal } from '../reseal.ts';
import { SealUnreadable } from '../seal-unreadable.ts';
import { publicMembers } from './public-members.ts';
import type { NewSigningKey } from './signing-key.ts';

interface SigningKeyName {
  readonly tenantId: string;
  readonly kid: string;
}

interface SealingMeans {
  readonly keyEncryption: KeyRing<KeyEncryptionKey>;
  readonly randomBytes: RandomBytes;
}

/** A fresh key pair, ready to be stored. The private half leaves this function sealed only. */
export async function generateSigningKey(
  { tenantId, algorithm }: { readonly tenantId: string; readonly algorithm: JwsAlgorithm },
  { keyEncryption, randomBytes }: SealingMeans,
): Promise<NewSigningKey> {
  const pair = await generateKeyPair(algorithm, { extractable: true });
  const publicJwk = publicMembers(await exportJWK(pair.publicKey));
  const kid = await calculateJwkThumbprint(publicJwk);
  const sealed = await sealAead(keyEncryption[0], {
    plaintext: encodeUtf8(JSON.stringify(await exportJWK(pair.privateKey))),
    associatedData: associatedDataOf({ tenantId, kid }),
    nonce: randomBytes(12),
  });
  return { tenantId, kid, algorithm, publicJwk, sealedPrivateJwk: encodeBase64url(sealed) };
}

/** The private JWK. Throws {@link SealUnreadable} if no master secret opens it. */
export async function openSigningKey(
  key: SigningKeyName & { readonly sealedPrivateJwk: string },
  keyEncryption: KeyRing<KeyEncryptionKey>,
): Promise<JWK> {
  const sealed = decodeBase64url(key.sealedPrivateJwk);
  for (const encryptionKey of sealed === undefined ? [] : keyEncryption) {
    const opened = await openAead(encryptionKey, sealed ?? EMPTY, associatedDataOf(key));
    const json = opened === undefined ? undefined : decodeUtf8(opened);
    if (json !== undefined) return JSON.parse(json); // Else another master secret may have sealed it.
  }
  throw new SealUnreadable('signing key');
}

/** The same private key under the current master secret. */
export function resealSigningKey(
  key: SigningKeyName & { readonly sealedPrivateJwk: string },
  means: ResealingMeans,
): Promise<Resealed> {
  return reseal(key.sealedPrivateJwk, associatedDataOf(key), means);
}

const EMPTY = new Uint8Array(0);

function associatedDataOf({ tenantId, kid }: SigningKeyName): Uint8Array<ArrayBuffer> {
  return frame('signing-key', tenantId, kid);
}
