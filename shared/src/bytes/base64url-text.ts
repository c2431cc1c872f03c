/** UTF-8 text in base64url: what the JSON parts of a JWS are (RFC 7515 §2). */

import { isCanonicalBase64url } from './base64url.ts';
import { decodeUtf8 } from './utf8.ts';

/** The text, or `undefined` unless `encoded` is canonical base64url of well-formed UTF-8. */
export function decodeBase64urlText(encoded: string): string | undefined {
  return isCanonicalBase64url(encoded) ? decodeCanonicalText(encoded) : undefined;
}

const BEYOND_ASCII = /[\u0080-\u00ff]/;

/**
 * As {@link decodeBase64urlText}, for a text that {@link isCanonicalBase64url} was true of. By `atob`,
 * whose result is the text itself as long as that is ASCII: a third of the time of bytes and decoder.
 */
export function decodeCanonicalText(encoded: string): string | undefined {
  const latin1 = atob(encoded.replaceAll('-', '+').replaceAll('_', '/'));
  if (!BEYOND_ASCII.test(latin1)) return latin1;
  return decodeUtf8(Uint8Array.from(latin1, (character) => character.charCodeAt(0)));
}
