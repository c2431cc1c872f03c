/**
 * HMAC-SHA-256 (RFC 2104) that answers at once. A macaroon is a chain of them, each under the one
 * before as its key: WebCrypto would import a key and cross into the runtime twice a link.
 *
 * SHA-256 is stablelib's, whose state is a typed array: the fastest inside workerd. The two hashes of
 * RFC 2104 §2 are put together here, over one hash that is used again and again
 * (docs/adr/0011-hmac-of-macaroons.md). Tests compare it with WebCrypto.
 */

import { type SavedState, SHA256 } from '@stablelib/sha256';

type Bytes = Uint8Array<ArrayBuffer>;

const BLOCK_BYTES = 64;
const DIGEST_BYTES = 32;
const INNER_PAD = 0x36;
const OUTER_PAD = 0x5c;

/** Of every call, and wiped by it: nothing here is awaited, so no two calls meet. */
const sha256 = new SHA256();
const padded = new Uint8Array(BLOCK_BYTES);
const inner = new Uint8Array(DIGEST_BYTES);

/** `message` and `key` may have any length. Four blocks of SHA-256 where both are short. */
export function hmacSha256AtOnce(key: Bytes, message: Bytes): Bytes {
  const blockKey = blockKeyOf(key);
  hashPadded(blockKey, INNER_PAD).update(message).finish(inner);
  const code = new Uint8Array(DIGEST_BYTES);
  hashPadded(blockKey, OUTER_PAD).update(inner).finish(code);
  wipe();
  return code;
}

/** SHA-256 (FIPS 180-4) of a message of any length: for short ones, a block of it takes a microsecond. */
export function sha256AtOnce(message: Bytes): Bytes {
  const digest = new Uint8Array(DIGEST_BYTES);
  sha256.reset().update(message).finish(digest);
  wipe();
  return digest;
}

/** A key with both pads hashed (RFC 2104 §4): two blocks less a message. As secret as the key. */
export interface HmacKey {
  readonly inner: SavedState;
  readonly outer: SavedState;
}

/** For a key that is used more than once. It may have any length. */
export function prepareHmacKey(key: Bytes): HmacKey {
  const blockKey = blockKeyOf(key);
  const prepared = {
    inner: hashPadded(blockKey, INNER_PAD).saveState(),
    outer: hashPadded(blockKey, OUTER_PAD).saveState(),
  };
  wipe();
  return prepared;
}

/** {@link hmacSha256AtOnce} under a key that was prepared. */
export function hmacUnderPrepared(key: HmacKey, message: Bytes): Bytes {
  sha256.restoreState(key.inner).update(message).finish(inner);
  const code = new Uint8Array(DIGEST_BYTES);
  sha256.restoreState(key.outer).update(inner).finish(code);
  wipe();
  return code;
}

/** A key that is longer than a block counts as its digest. */
function blockKeyOf(key: Bytes): Uint8Array {
  return key.length > BLOCK_BYTES ? sha256.reset().update(key).digest() : key;
}

/** A hash that has taken in `key ⊕ pad`, with the key filled up with zeros to a block. */
function hashPadded(key: Uint8Array, pad: number): SHA256 {
  padded.fill(pad);
  for (let i = 0; i < key.length; i++) padded[i] = (key[i] ?? 0) ^ pad;
  return sha256.reset().update(padded);
}

function wipe(): void {
  sha256.clean();
  padded.fill(0);
  inner.fill(0);
}
