/**
 * The signature of the head: compact JWS (RFC 7515 §7.1), EdDSA (RFC 8037 §3.1), one form only.
 * Everything is checked on the text before anything is decoded at length.
 */

import { decodeBase64url } from '../bytes/base64url.ts';
import { decodeUtf8, encodeUtf8 } from '../bytes/utf8.ts';
import { type VerificationKey, verifySignature } from '../crypto/verification-key.ts';
import { FEED_HEAD_BYTES_MAX } from '../limits.ts';
import type { Result } from '../result.ts';
import { parseJsonObject, textMember } from './feed-json.ts';
import type { FeedKeys } from './feed-key.ts';
import { refuseFeed } from './feed-rule.ts';
import { FEED_TYPE, parseHeadPayload, type ReadHead } from './head.ts';

/** Longest protected header: ours have about 100 characters. */
const HEADER_LENGTH_MAX = 512;
/** 64 bytes of an Ed25519 signature in base64url. */
const SIGNATURE_LENGTH = 86;

/** The protected header of a head, to be signed as this JSON. */
export function headProtectedHeader(kid: string) {
  return { alg: 'EdDSA', typ: FEED_TYPE, kid } as const;
}

/**
 * The head, if one of the pinned `feedKeys` signed `compactJws`; otherwise `feed_invalid`.
 * Does not look at the clock, the environment or the previous head: see `freshness`.
 */
export async function verifyHead(
  compactJws: string,
  feedKeys: FeedKeys,
): Promise<Result<ReadHead>> {
  if (compactJws.length > FEED_HEAD_BYTES_MAX) return refuseFeed('head_too_large');
  const parts = splitCompact(compactJws);
  if (parts === undefined) return refuseFeed('head_not_compact');
  const kid = readKid(parts.header);
  if (kid === undefined) return refuseFeed('head_header');
  const key = feedKeys.get(kid);
  if (key === undefined) return refuseFeed('head_key_unknown');
  const payload = decodeBase64url(parts.payload);
  const signature = decodeBase64url(parts.signature);
  if (payload === undefined || signature === undefined) return refuseFeed('head_not_compact');
  if (!(await isSignedBy(key, signature, parts))) return refuseFeed('head_signature');
  const json = decodeUtf8(payload);
  return json === undefined ? refuseFeed('head_payload') : parseHeadPayload(json);
}

interface CompactParts {
  readonly header: string;
  readonly payload: string;
  readonly signature: string;
}

function splitCompact(text: string): CompactParts | undefined {
  const first = text.indexOf('.');
  const last = text.lastIndexOf('.');
  if (first < 1 || first > HEADER_LENGTH_MAX || last === first) return undefined;
  if (text.length - last - 1 !== SIGNATURE_LENGTH) return undefined;
  // A third dot would end up in the payload, where the base64url alphabet refuses it.
  const payload = text.slice(first + 1, last);
  return { header: text.slice(0, first), payload, signature: text.slice(last + 1) };
}

/** The `kid` of a header that has exactly the members `alg`, `typ` and `kid`, each once. */
function readKid(encoded: string): string | undefined {
  const bytes = decodeBase64url(encoded);
  const json = bytes === undefined ? undefined : decodeUtf8(bytes);
  const header = json === undefined ? undefined : parseJsonObject(json);
  // Equal to its own canonical text: no duplicate member, no white space, no escape.
  if (header === undefined || JSON.stringify(header) !== json) return undefined;
  if (Object.keys(header).length !== 3) return undefined;
  if (textMember(header, 'alg') !== 'EdDSA') return undefined;
  if (textMember(header, 'typ') !== FEED_TYPE) return undefined;
  return textMember(header, 'kid');
}

function isSignedBy(
  key: VerificationKey,
  signature: Uint8Array<ArrayBuffer>,
  { header, payload }: CompactParts,
): Promise<boolean> {
  return verifySignature(key, signature, encodeUtf8(`${header}.${payload}`));
}
