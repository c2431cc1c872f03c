/**
 * What every request computes, at once: WebCrypto makes a job for another thread of each call, which costs
 * ten times what hashing a hundred bytes does. A signature by Ed25519 is no exception. It takes 40 µs;
 * handing it over and taking it back costs the event loop half of that, and the processor more. HMACs and digests of
 * a few blocks are computed without `node:crypto`, whose calls leave native objects to the garbage collector.
 */

import { createPrivateKey, hash, sign } from 'node:crypto';
import {
  hmacUnderPrepared,
  prepareHmacKey,
  sha256AtOnce,
} from '@cardea/shared/crypto/hmac-at-once';
import type { NativeDigests } from '@cardea/shared/crypto/native-digests';
import { type MakeSigner, makeJoseSigner } from '../tokens/token-signer.ts';

/** A block; longer messages are faster natively, object and all. Secrets of API keys have 32. */
const SHORT_BYTES_MAX = 64;

export const nodeDigests: NativeDigests = {
  sha256: (bytes) =>
    bytes.length <= SHORT_BYTES_MAX
      ? sha256AtOnce(bytes)
      : new Uint8Array(hash('sha256', bytes, 'buffer')),
  hmacSha256(rawKey) {
    const key = prepareHmacKey(rawKey);
    return (message) => hmacUnderPrepared(key, message);
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
