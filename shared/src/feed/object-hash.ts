/** The hash by which an immutable object of the feed is named and proved. */

import { encodeHex } from '../bytes/hex.ts';
import { sha256 } from '../crypto/digest.ts';

/** SHA-256 in lowercase hexadecimal: the last part of the object's name. */
export async function objectHash(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return encodeHex(await sha256(bytes));
}
