/**
 * What a verified macaroon grants: the claims of its base grant, and the caveats that narrow them. The
 * base grant is the first caveat, and the first alone: the claims of a derived token as JSON, exactly
 * as a JWT carries them, which is Talos's form too.
 */

import { decodeUtf8, encodeUtf8 } from '../bytes/utf8.ts';
import { isJsonObject, type JsonObject, parseStrictJson } from '../json/strict-json.ts';
import type { TokenClaims } from '../jwt/claims.ts';
import { parseClaims } from '../jwt/parse-claims.ts';
import { accept, type Result, refuse } from '../result.ts';
import type { ParsedCaveat } from './caveat.ts';
import { type Bytes, isThirdParty, type Macaroon } from './macaroon.ts';
import { parseCaveat } from './parse-caveat.ts';
import type { VerifiedMacaroon } from './verify-chain.ts';

export interface MacaroonGrant {
  readonly claims: TokenClaims;
  /** Every other caveat, of the macaroon and then of its discharges, as they were verified. */
  readonly caveats: readonly ParsedCaveat[];
}

/** The base grant as the first caveat of a new macaroon: short claim names, as in a JWT. */
export function encodeBaseGrant(claims: JsonObject): Bytes {
  return encodeUtf8(JSON.stringify(claims));
}

/**
 * Refuses with `macaroon_malformed` (no first caveat, or one that is not a strict JSON object) and as
 * {@link parseClaims} does. Checks nothing else of the claims: `verify-token.ts` does.
 */
export function readGrant(verified: VerifiedMacaroon): Result<MacaroonGrant> {
  const [first, ...rest] = verified.caveats;
  const claims = readBaseGrant(first);
  if (!claims.ok) return claims;
  const caveats = [...rest, ...verified.dischargeCaveats].map(parseCaveat);
  return accept({ claims: claims.value, caveats });
}

/** As {@link readGrant}, of a macaroon that nobody has verified: for its holder, who has no key. */
export function readUnverifiedGrant(macaroon: Macaroon): Result<TokenClaims> {
  const [first] = macaroon.caveats;
  return readBaseGrant(first === undefined || isThirdParty(first) ? undefined : first.identifier);
}

function readBaseGrant(first: Bytes | undefined): Result<TokenClaims> {
  const text = first === undefined ? undefined : decodeUtf8(first);
  const payload = text === undefined ? undefined : parseStrictJson(text);
  if (!isJsonObject(payload)) return refuse('macaroon_malformed', { part: 'base_grant' });
  return parseClaims(payload);
}
