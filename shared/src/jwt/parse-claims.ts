/**
 * Claims as typed values: each known member has its one type, or the token is refused. No policy and
 * no clock: who issued it, for whom and when is `verify.ts`.
 */

import { isUuidV4 } from '../bytes/uuid.ts';
import { parseCidr } from '../ip/cidr.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../json/strict-json.ts';
import { CIDRS_MAX, DERIVATION_DEPTH_MAX, SCOPE_LENGTH_MAX, SCOPES_MAX } from '../limits.ts';
import { accept, type Result, refuse } from '../result.ts';
import type { UnixSeconds } from '../time.ts';
import { RESERVED_CLAIMS, type TokenClaims } from './claims.ts';

/** The claims that we read, by their short names and with the type that each must have. */
interface WireClaims {
  readonly jti: string;
  readonly sub: string;
  readonly iss: string;
  readonly aud: string | readonly string[];
  readonly nid: string;
  readonly iat: UnixSeconds;
  readonly exp: UnixSeconds;
  readonly nbf: UnixSeconds | undefined;
  readonly act: string | undefined;
  readonly act_sid: string | undefined;
  readonly anc: readonly string[] | undefined;
  readonly scp: readonly string[] | undefined;
  readonly acl: readonly string[] | undefined;
  readonly vis: 'secret' | 'public' | undefined;
  readonly meta: JsonObject | undefined;
}

/** All members from the start: one shape for every token, and nothing is read of a prototype. */
const NO_CLAIMS: Readonly<Record<keyof WireClaims, undefined>> = {
  ...{ jti: undefined, sub: undefined, iss: undefined, aud: undefined, nid: undefined },
  ...{ iat: undefined, exp: undefined, nbf: undefined, act: undefined, act_sid: undefined },
  ...{ anc: undefined, scp: undefined, acl: undefined, vis: undefined, meta: undefined },
};

const REQUIRED = ['jti', 'sub', 'iss', 'aud', 'nid', 'iat', 'exp'] as const;

/** Whether a member has its type. `cnf` never has: see {@link parseClaims}. */
const TYPE_CHECKS: ReadonlyMap<string, (value: JsonValue) => boolean> = new Map(
  Object.entries({
    jti: isTokenId,
    sub: isText,
    iss: isText,
    aud: (value) => typeof value === 'string' || isTextList(value),
    nid: isText,
    iat: isSeconds,
    exp: isSeconds,
    nbf: isSeconds,
    act: isText,
    act_sid: (value) => typeof value === 'string' && /^[0-9a-f]{16}$/.test(value),
    anc: (value) => isListOf(value, { isElement: isTokenId, lengthMax: DERIVATION_DEPTH_MAX }),
    scp: (value) => isListOf(value, { isElement: isScope, lengthMax: SCOPES_MAX }),
    acl: (value) => isListOf(value, { isElement: isCidr, lengthMax: CIDRS_MAX }),
    vis: (value) => value === 'secret' || value === 'public',
    meta: isJsonObject,
    cnf: () => false,
  } satisfies Record<string, (value: JsonValue) => boolean>),
);

/**
 * Types the members of a payload. Refuses with `claims_malformed`; the evidence names the claim.
 *
 * Required: `jti`, `sub`, `iss`, `aud`, `nid`, `iat`, `exp`, with `iat` ≤ `exp`. `act` and `act_sid`
 * come together: without its scope id an actor could not be revoked. `cnf` is refused: a token that
 * is bound to a proof key must not pass as a bearer token where proofs are not checked (RFC 7800
 * §3.1). Other reserved names that we do not read are dropped; what is left are custom claims.
 * Whether `sub` is a key id that the feed can name is for `feed/scope-id` to say.
 */
export function parseClaims(payload: JsonObject): Result<TokenClaims> {
  const wire: Record<string, JsonValue | undefined> = { ...NO_CLAIMS };
  const customClaims: Record<string, JsonValue> = Object.create(null);
  for (const name of Object.keys(payload)) {
    const value = payload[name];
    if (value === undefined) continue;
    const hasItsType = TYPE_CHECKS.get(name);
    if (hasItsType !== undefined) {
      if (!hasItsType(value)) return refuse('claims_malformed', { claim: name });
      wire[name] = value;
    } else if (!RESERVED_CLAIMS.has(name)) {
      customClaims[name] = value;
    }
  }
  for (const name of REQUIRED) {
    if (wire[name] === undefined) return refuse('claims_malformed', { claim: name });
  }
  const typed = wire as unknown as WireClaims; // Every member has passed its check above.
  if ((typed.act === undefined) !== (typed.act_sid === undefined)) {
    return refuse('claims_malformed', { claim: 'act_sid' });
  }
  if (typed.exp < typed.iat) return refuse('claims_malformed', { claim: 'exp' });
  return accept(namedClaims(typed, customClaims));
}

function namedClaims(wire: WireClaims, customClaims: Record<string, JsonValue>): TokenClaims {
  const claims: Writable<TokenClaims> = {
    tokenId: wire.jti,
    keyId: wire.sub,
    issuer: wire.iss,
    audiences: typeof wire.aud === 'string' ? [wire.aud] : wire.aud,
    tenantId: wire.nid,
    issuedAtSeconds: wire.iat,
    expiresAtSeconds: wire.exp,
    scopes: wire.scp ?? [],
    ancestorTokenIds: wire.anc ?? [],
    customClaims,
  };
  if (wire.nbf !== undefined) claims.notBeforeSeconds = wire.nbf;
  if (wire.act !== undefined) claims.actor = wire.act;
  if (wire.act_sid !== undefined) claims.actorScopeId = wire.act_sid;
  if (wire.acl !== undefined) claims.allowedCidrs = wire.acl;
  if (wire.vis !== undefined) claims.visibility = wire.vis;
  if (wire.meta !== undefined) claims.metadata = wire.meta;
  return claims;
}

type Writable<T> = { -readonly [Name in keyof T]: T[Name] };

function isText(value: JsonValue): boolean {
  return typeof value === 'string' && value !== '';
}

function isTokenId(value: JsonValue): boolean {
  return typeof value === 'string' && isUuidV4(value);
}

/** A NumericDate (RFC 7519 §2), whole seconds since 1970 only. */
function isSeconds(value: JsonValue): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** Characters are counted as in issuing, by code points, where UTF-16 units are too many. */
function isScope(value: JsonValue): boolean {
  if (typeof value !== 'string' || value === '') return false;
  return value.length <= SCOPE_LENGTH_MAX || [...value].length <= SCOPE_LENGTH_MAX;
}

function isCidr(value: JsonValue): boolean {
  return typeof value === 'string' && parseCidr(value) !== undefined;
}

function isTextList(value: JsonValue): boolean {
  return Array.isArray(value) && value.every((element) => typeof element === 'string');
}

interface ListRule {
  readonly isElement: (value: JsonValue) => boolean;
  readonly lengthMax: number;
}

function isListOf(value: JsonValue, { isElement, lengthMax }: ListRule): boolean {
  return Array.isArray(value) && value.length <= lengthMax && value.every(isElement);
}
