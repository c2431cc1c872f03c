/**
 * What every request computes, by `node:crypto`, at once: WebCrypto makes a job for another thread of each
 * call, which costs ten times what hashing a hundred bytes does. A signature by Ed25519 is no exception. It
 * takes 40 µs; handing it over and taking it back costs the event loop half of that, and the processor more.
 */

import { createHmac, createPrivateKey, createSecretKey, hash, sign } from 'node:crypto';
import type { NativeDigests } from '@cardea/shared/crypto/native-digests';
import { type MakeSigner, makeJoseSigner } from '../tokens/token-signer.ts';

export const nodeDigests: NativeDigests = {
  sha256: (bytes) => new Uint8Array(hash('sha256', bytes, 'buffer')),
  hmacSha256(rawKey) {
    const key = createSecretKey(rawKey);
    return (message) => new Uint8Array(createHmac('sha256', key).update(message).digest());
  },
};

/** Ed25519 alone: an RSA signature takes a millisecond, which is worth another thread. */
export const makeNodeSigner: MakeSigner = async (privateJwk, header) => {
  if (header.alg !== 'EdDSA') return makeJoseSigner(privateJwk, header);
  const key = createPrivateKey({ key: privateJwk, format: 'jwk' });
  const start = encode(JSON.stringify(header));
  return async (payload) => {
    const input = `${start}.${encode(payload)}`;
    return `${input}.${sign(null, Buffer.from(input), key).toString('base64url')}`;
  };
};

function encode(text: string): string {
  return Buffer.from(text).toString('base64url');
}
