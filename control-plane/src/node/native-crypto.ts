/**
 * What every request computes, by `node:crypto`. Digests are computed at once: WebCrypto makes a job for
 * another thread of each call, which costs ten times what hashing a hundred bytes does. A signature is
 * worth a job: it takes as long as a sixth of an exchange, and the event loop goes on meanwhile.
 */

import { createHmac, createPrivateKey, createSecretKey, hash, sign } from 'node:crypto';
import { promisify } from 'node:util';
import type { NativeDigests } from '@cardea/shared/crypto/native-digests';
import { type MakeSigner, makeJoseSigner } from '../tokens/token-signer.ts';

export const nodeDigests: NativeDigests = {
  sha256: (bytes) => new Uint8Array(hash('sha256', bytes, 'buffer')),
  hmacSha256(rawKey) {
    const key = createSecretKey(rawKey);
    return (message) => new Uint8Array(createHmac('sha256', key).update(message).digest());
  },
};

/** Ed25519 alone: what RSA costs is not the way to another thread. */
export const makeNodeSigner: MakeSigner = async (privateJwk, header) => {
  if (header.alg !== 'EdDSA') return makeJoseSigner(privateJwk, header);
  const key = createPrivateKey({ key: privateJwk, format: 'jwk' });
  const start = encode(JSON.stringify(header));
  return async (payload) => {
    const input = `${start}.${encode(payload)}`;
    return `${input}.${(await signElsewhere(null, Buffer.from(input), key)).toString('base64url')}`;
  };
};

const signElsewhere = promisify(sign);

function encode(text: string): string {
  return Buffer.from(text).toString('base64url');
}
