/**
 * HMAC-SHA-256 (RFC 2104) that answers at once. A macaroon is a chain of them, each under the one
 * before as its key: WebCrypto would import a key and cross into the runtime twice a link.
 */

import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { nativeDigests } from './native-digests.ts';

type Bytes = Uint8Array<ArrayBuffer>;

export function hmacSha256AtOnce(key: Bytes, message: Bytes): Bytes {
  const native = nativeDigests();
  if (native !== undefined) return native.hmacSha256(key)(message);
  return hmac(sha256, key, message) as Bytes;
}
