/** Unambiguous concatenation: every part is preceded by its length, so ("ab","c") ≠ ("a","bc"). */

import { encodeUtf8 } from './utf8.ts';

/** `u32 big-endian length ‖ bytes` for each part, in order. Texts are UTF-8. */
export function frame(...parts: ReadonlyArray<string | Uint8Array>): Uint8Array<ArrayBuffer> {
  const encoded = parts.map((part) => (typeof part === 'string' ? encodeUtf8(part) : part));
  const framed = new Uint8Array(encoded.reduce((sum, part) => sum + 4 + part.length, 0));
  const view = new DataView(framed.buffer);
  let offset = 0;
  for (const part of encoded) {
    view.setUint32(offset, part.length);
    framed.set(part, offset + 4);
    offset += 4 + part.length;
  }
  return framed;
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}
