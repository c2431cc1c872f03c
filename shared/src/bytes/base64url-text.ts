/** UTF-8 text in base64url: what the JSON parts of a JWS are (RFC 7515 §2). */

import { hasZeroUnusedBits } from './base64url.ts';
import { decodeUtf8 } from './utf8.ts';

const BEYOND_ASCII = /[\u0080-\u00ff]/;

/**
 * The text, or `undefined` unless `encoded` is canonical base64url of well-formed UTF-8. By `atob`,
 * whose result is the text itself as long as that is ASCII: a third of the time of bytes and decoder.
 */
export function decodeBase64urlText(encoded: string): string | undefined {
  const latin1 = decodeLatin1(encoded);
  if (latin1 === undefined || !BEYOND_ASCII.test(latin1)) return latin1;
  return decodeUtf8(Uint8Array.from(latin1, (character) => character.charCodeAt(0)));
}

/** A byte a character. What `atob` is lenient about is asked around it. */
function decodeLatin1(encoded: string): string | undefined {
  // The other alphabet and padding.
  if (encoded.includes('+') || encoded.includes('/') || encoded.includes('=')) return undefined;
  // No bytes have such a length; and a white space that `atob` skips shows in the length below, but
  // for a single one in a text that has this length with it.
  if (encoded.length % 4 === 1 || !hasZeroUnusedBits(encoded)) return undefined;
  let latin1: string;
  try {
    latin1 = atob(encoded.replaceAll('-', '+').replaceAll('_', '/'));
  } catch {
    return undefined; // Its only error is a character outside of the alphabet.
  }
  return latin1.length === (encoded.length * 3) >> 2 ? latin1 : undefined;
}
