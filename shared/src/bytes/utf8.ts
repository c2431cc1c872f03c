/** UTF-8 in both directions, strictly. */

import { TOKEN_BYTES_MAX } from '../limits.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function encodeUtf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

const transient = new Uint8Array(TOKEN_BYTES_MAX);

/**
 * As {@link encodeUtf8}, into memory that the next call overwrites: for an argument that is consumed
 * at once, as WebCrypto does (it copies what it is given before it returns, W3C Web Cryptography
 * §14.3). Saves an allocation a token. `text` is ASCII of at most `TOKEN_BYTES_MAX` characters.
 */
export function encodeTransient(text: string): Uint8Array<ArrayBuffer> {
  const { read, written } = encoder.encodeInto(text, transient);
  if (read !== text.length) throw new RangeError('The text is too long to be encoded here.');
  return transient.subarray(0, written);
}

/** The text, or `undefined` if `bytes` are not well-formed UTF-8. A byte-order mark is kept. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined; // The only error of a fatal decoder is malformed input.
  }
}
