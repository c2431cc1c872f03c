/** The identifier of a derived macaroon: which key made it, and which token it is. */

import { decodeUtf8, encodeUtf8 } from '../bytes/utf8.ts';
import { isUuidV4 } from '../bytes/uuid.ts';
import { KID_BYTES_MAX } from '../limits.ts';
import { accept, type Result, refuse } from '../result.ts';
import type { Bytes } from './macaroon.ts';

export interface MacaroonIdentifier {
  /** `jti`: a version-4 UUID, the same as in the base grant. */
  readonly tokenId: string;
  /** `kid` of the macaroon key: a name to look up in a map, nothing else. */
  readonly kid: string;
}

/** UTF-8 of `{"jti":"…","kid":"…"}`, in this order and without white space. */
export function encodeIdentifier({ tokenId, kid }: MacaroonIdentifier): Bytes {
  return encodeUtf8(JSON.stringify({ jti: tokenId, kid }));
}

/**
 * What `JSON.stringify` writes of the two members, and no other text: a `kid` with a character that it
 * would escape (quote, backslash, control character) is refused.
 */
const CANONICAL = /^\{"jti":"([0-9a-f-]{36})","kid":"([^"\\\p{Cc}]+)"\}$/u;

/** What stands around the `kid`: all of it, and the `jti`, is ASCII. */
const BYTES_WITHOUT_KID = '{"jti":"","kid":""}'.length + 36;

/** Refuses all but what {@link encodeIdentifier} writes, with `macaroon_malformed`. */
export function parseIdentifier(bytes: Bytes): Result<MacaroonIdentifier> {
  const text = decodeUtf8(bytes);
  const [, tokenId = '', kid = ''] = (text && CANONICAL.exec(text)) || [];
  if (!isUuidV4(tokenId) || bytes.length - BYTES_WITHOUT_KID > KID_BYTES_MAX) {
    return refuse('macaroon_malformed', { part: 'identifier' });
  }
  return accept({ tokenId, kid });
}
