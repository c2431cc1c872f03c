/**
 * The form of a derived token, before anything of it is trusted: length, three canonical parts, and a
 * header that we understand (RFC 7515 §7.1, RFC 8725 §3). Nothing here is verified, and the payload
 * is decoded as far as text, not read.
 */

import { decodeBase64url } from '../bytes/base64url.ts';
import { decodeBase64urlText } from '../bytes/base64url-text.ts';
import { TOKEN_BYTES_MAX } from '../limits.ts';
import { accept, type Result, refuse } from '../result.ts';
import { IGNORED_OF_OTHERS, parseHeader, type UnverifiedJwtHeader } from './header.ts';

export interface UnverifiedJwt {
  readonly unverifiedHeader: UnverifiedJwtHeader;
  /** The header as it stands in the token, canonical base64url. */
  readonly headerText: string;
  /** The second part, decoded: text that may be JSON. */
  readonly unverifiedPayload: string;
  /** `header.payload`, ASCII: what was signed. */
  readonly signingInput: string;
  readonly signature: Uint8Array<ArrayBuffer>;
}

/**
 * Splits a JWS in compact form. Refuses with `token_too_large` (over `TOKEN_BYTES_MAX`),
 * `token_malformed` (not three parts of canonical base64url; a payload that is not UTF-8; no payload or no signature; JWE and JSON
 * serialisations among these), and as {@link parseHeader} does.
 */
export function parseJwt(text: string): Result<UnverifiedJwt> {
  return splitJwt(text, readHeader);
}

/**
 * As {@link parseJwt}, for a token of another issuer's: its header may carry thumbprints, which are
 * not read. Nothing of it is ever remembered.
 */
export function parseJwtOfOthers(text: string): Result<UnverifiedJwt> {
  return splitJwt(text, (header) => parseHeader(header, IGNORED_OF_OTHERS));
}

type ReadHeader = (text: string) => Result<UnverifiedJwtHeader>;

function splitJwt(text: string, readHeaderOf: ReadHeader): Result<UnverifiedJwt> {
  // UTF-16 units are never more than bytes, and they are the same once the parts are known as ASCII.
  if (text.length > TOKEN_BYTES_MAX) return refuse('token_too_large');
  const headerEnd = text.indexOf('.');
  const payloadEnd = text.indexOf('.', headerEnd + 1);
  // A third dot is outside of base64url's alphabet: the signature part will not decode.
  if (headerEnd < 1 || payloadEnd - headerEnd < 2) return refuse('token_malformed');
  const headerText = text.slice(0, headerEnd);
  const header = readHeaderOf(headerText);
  if (!header.ok) return header;
  const unverifiedPayload = decodeBase64urlText(text.slice(headerEnd + 1, payloadEnd));
  if (unverifiedPayload === undefined) return refuse('token_malformed', { part: 'payload' });
  const signature = decodeBase64url(text.slice(payloadEnd + 1));
  if (signature === undefined || signature.length === 0) return refuse('token_malformed');
  return accept({
    unverifiedHeader: header.value,
    headerText,
    unverifiedPayload,
    signingInput: text.slice(0, payloadEnd),
    signature,
  });
}

/**
 * Headers read before, by their text. A deployment has one for each signing key, and reading is a pure
 * function of the text, so remembering changes no answer. Only what a signature has vouched for is
 * remembered ({@link rememberHeader}): nobody else can fill or flush this.
 */
const headers = new Map<string, UnverifiedJwtHeader>();
const HEADERS_MAX = 64;

function readHeader(text: string): Result<UnverifiedJwtHeader> {
  const known = headers.get(text);
  return known === undefined ? parseHeader(text) : accept(known);
}

/** Call with the parsed form of a token whose signature has been verified. */
export function rememberHeader({ headerText, unverifiedHeader }: UnverifiedJwt): void {
  if (headers.has(headerText)) return;
  if (headers.size >= HEADERS_MAX) headers.clear();
  headers.set(headerText, unverifiedHeader);
}
