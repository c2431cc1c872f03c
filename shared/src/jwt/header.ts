/**
 * The protected header of a derived token. Three members and no others: whatever else a header can
 * say (keys to use, places to fetch them, extensions, compression) is an attack here (RFC 8725 §3).
 */

import { decodeBase64urlText } from '../bytes/base64url-text.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';
import type { JwsAlgorithm } from '../crypto/verification-key.ts';
import { isJsonObject, ownMember, parseStrictJson } from '../json/strict-json.ts';
import { KID_BYTES_MAX } from '../limits.ts';
import { accept, type Result, refuse } from '../result.ts';

/** `typ` in these spellings only. Media types ignore case; our issuers write one way, so we read one. */
export type JwtType = 'JWT' | 'at+jwt';

export interface UnverifiedJwtHeader {
  readonly algorithm: JwsAlgorithm;
  /** `kid`, 1 to `KID_BYTES_MAX` bytes: a name to look up in a map, nothing else. */
  readonly keyId: string;
  readonly type: JwtType;
}

const ALGORITHMS: ReadonlySet<unknown> = new Set<JwsAlgorithm>(['EdDSA', 'ES256', 'RS256']);
const TYPES: ReadonlySet<unknown> = new Set<JwtType>(['JWT', 'at+jwt']);
const MEMBERS: ReadonlySet<string> = new Set(['alg', 'kid', 'typ']);

/** Of tokens that others issue: thumbprints of a certificate (RFC 7515 §4.1.7, §4.1.8). Never read. */
export const IGNORED_OF_OTHERS: ReadonlySet<string> = new Set(['x5t', 'x5t#S256']);

const NONE: ReadonlySet<string> = new Set();

/**
 * Reads the first part of a compact JWS, canonical base64url. Refuses with `token_malformed` (not a
 * strict JSON object; `kid` missing or not a short text), `token_header_unsupported` (any member but
 * `alg`, `kid`, `typ`: so `crit`, `b64`, `jwk`, `jku`, `x5u`, `x5c`, `x5t`, `cty`, `enc`, `zip`),
 * `token_algorithm_unsupported` or `token_type_unsupported` (missing ones included). Members in
 * `ignored` may be there.
 */
export function parseHeader(text: string, ignored = NONE): Result<UnverifiedJwtHeader> {
  const json = decodeBase64urlText(text);
  const header = json === undefined ? undefined : parseStrictJson(json);
  if (!isJsonObject(header)) return refuse('token_malformed', { part: 'header' });
  for (const name of Object.keys(header)) {
    if (!MEMBERS.has(name) && !ignored.has(name)) return refuse('token_header_unsupported');
  }
  const algorithm = ownMember(header, 'alg');
  if (!isAlgorithm(algorithm)) return refuse('token_algorithm_unsupported');
  const type = ownMember(header, 'typ');
  if (!isType(type)) return refuse('token_type_unsupported');
  const keyId = ownMember(header, 'kid');
  if (typeof keyId !== 'string' || keyId === '' || encodeUtf8(keyId).length > KID_BYTES_MAX) {
    return refuse('token_malformed', { part: 'header', member: 'kid' });
  }
  return accept({ algorithm, keyId, type });
}

function isAlgorithm(value: unknown): value is JwsAlgorithm {
  return ALGORITHMS.has(value);
}

function isType(value: unknown): value is JwtType {
  return TYPES.has(value);
}
