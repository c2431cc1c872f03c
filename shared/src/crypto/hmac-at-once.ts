/**
 * HMAC-SHA-256 (RFC 2104) that answers at once. A macaroon is a chain of them, each under the one
 * before as its key: WebCrypto would import a key and cross into the runtime twice a link.
 *
 * SHA-256 is noble's; the two hashes of RFC 2104 §2 are put together here and not by noble's `hmac`,
 * which makes and wipes two hash states a call, and so takes about twice the time of the hashing itself
 * (docs/adr/0011-hmac-of-macaroons.md). A test compares it with WebCrypto.
 */

import { sha256 } from '@noble/hashes/sha2.js';

type Bytes = Uint8Array<ArrayBuffer>;

const BLOCK_BYTES = 64;
const DIGEST_BYTES = 32;
const INNER_PAD = 0x36;
const OUTER_PAD = 0x5c;

/** Never fed, so that the next is taken to its start by it; and the one that works. */
const fresh = sha256.create();
const working = sha256.create();

/** Overwritten by every call and wiped by it: nothing here is awaited, so no two calls meet. */
const padded = new Uint8Array(BLOCK_BYTES);
const inner = new Uint8Array(DIGEST_BYTES);

/** `message` and `key` may have any length. */
export function hmacSha256AtOnce(key: Bytes, message: Bytes): Bytes {
  const blockKey = key.length > BLOCK_BYTES ? sha256(key) : key;
  hashPadded({ key: blockKey, pad: INNER_PAD, message, into: inner });
  const code = new Uint8Array(DIGEST_BYTES);
  hashPadded({ key: blockKey, pad: OUTER_PAD, message: inner, into: code });
  padded.fill(0);
  inner.fill(0);
  return code;
}

interface PaddedHash {
  readonly key: Uint8Array;
  readonly pad: number;
  readonly message: Uint8Array;
  readonly into: Uint8Array;
}

/** `SHA-256((key ⊕ pad) ‖ message)`, with the key filled up with zeros to a block. */
function hashPadded({ key, pad, message, into }: PaddedHash): void {
  padded.fill(pad);
  for (let i = 0; i < key.length; i++) padded[i] = (key[i] ?? 0) ^ pad;
  fresh._cloneInto(working).update(padded).update(message).digestInto(into);
}
