/**
 * Judges the JWT of an administrator, issued by somebody else: the same strict gate as for derived
 * tokens (RFC 8725 §3), then the issuer's own claims. No clock, no network: both are arguments.
 */

import { encodeUtf8 } from '@cardea/shared/bytes/utf8';
import { type VerificationKey, verifySignature } from '@cardea/shared/crypto/verification-key';
import {
  isJsonObject,
  type JsonObject,
  type JsonValue,
  ownMember,
  parseStrictJson,
} from '@cardea/shared/json/strict-json';
import { parseJwtOfOthers, type UnverifiedJwt } from '@cardea/shared/jwt/parse';
import type { RefusalReason } from '@cardea/shared/refusals';
import { accept, type Result, refuse } from '@cardea/shared/result';
import type { UnixSeconds } from '@cardea/shared/time';
import type { AdminRole } from '../admin-credentials/admin-credential.ts';
import type { Principal } from '../http/principal.ts';
import { ADMIN_JWT_LIFETIME_SECONDS_MAX, ADMIN_JWT_SUBJECT_LENGTH_MAX } from '../limits.ts';
import type { IssuerKeys } from './issuer-keys.ts';
import { highestRole } from './roles.ts';

/** Whose JWTs are believed, and what their claims mean. */
export interface AdminJwtPolicy {
  readonly issuer: string;
  readonly audience: string;
  /** Name of a claim, or a JSON Pointer into the claims (RFC 6901), which starts with a slash. */
  readonly roleClaim: string;
  /** The role that each value of that claim stands for. */
  readonly roles: ReadonlyMap<string, AdminRole>;
  /** Where the tenant's id stands; `*` there is every tenant. Absent: nobody is bound to a tenant. */
  readonly tenantClaim?: string;
}

export interface AdminJwtMeans {
  readonly policy: AdminJwtPolicy;
  readonly keys: IssuerKeys;
  readonly nowSeconds: UnixSeconds;
  readonly clockSkewSeconds: number;
}

export type AdminJwtOutcome =
  | { readonly outcome: 'authenticated'; readonly principal: Principal }
  | { readonly outcome: 'refused'; readonly reason: RefusalReason }
  /** Genuine, but the claims give no role here, or no tenant where they have to. */
  | { readonly outcome: 'no_role' }
  /** Nobody can tell: the issuer's keys could not be had. */
  | { readonly outcome: 'unavailable' };

export async function verifyAdminJwt(text: string, means: AdminJwtMeans): Promise<AdminJwtOutcome> {
  const jwt = parseJwtOfOthers(text);
  if (!jwt.ok) return refused(jwt.refusal.reason);
  const found = await means.keys.find(jwt.value.unverifiedHeader.keyId);
  if (found.outcome === 'unavailable') return { outcome: 'unavailable' };
  if (found.outcome === 'unknown') return refused('signing_key_unknown');
  const claims = await verifyUnder(found.key, jwt.value);
  if (!claims.ok) return refused(claims.refusal.reason);
  const reason = brokenRule(claims.value, means);
  return reason === undefined ? principalOf(claims.value, means.policy) : refused(reason);
}

function refused(reason: RefusalReason): AdminJwtOutcome {
  return { outcome: 'refused', reason };
}

/** The key decides about the algorithm: the header only has to agree (RFC 8725 §3.1). */
async function verifyUnder(key: VerificationKey, jwt: UnverifiedJwt): Promise<Result<JsonObject>> {
  if (key.algorithm !== jwt.unverifiedHeader.algorithm) {
    return refuse('token_algorithm_unsupported');
  }
  if (!(await verifySignature(key, jwt.signature, encodeUtf8(jwt.signingInput)))) {
    return refuse('signature_invalid');
  }
  const claims = parseStrictJson(jwt.unverifiedPayload);
  return isJsonObject(claims) ? accept(claims) : refuse('token_malformed');
}

/** RFC 7519 §4.1: no leeway for `exp`, a bounded one for what lies in the future. */
function brokenRule(
  claims: JsonObject,
  { policy, nowSeconds, clockSkewSeconds }: AdminJwtMeans,
): RefusalReason | undefined {
  const [issuedAt, expiresAt] = [ownMember(claims, 'iat'), ownMember(claims, 'exp')];
  const notBefore = ownMember(claims, 'nbf') ?? issuedAt;
  if (!isSeconds(issuedAt) || !isSeconds(expiresAt) || !isSeconds(notBefore)) {
    return 'claims_malformed';
  }
  if (expiresAt <= nowSeconds) return 'token_expired';
  if (Math.max(issuedAt, notBefore) > nowSeconds + clockSkewSeconds) return 'token_not_yet_valid';
  if (expiresAt - issuedAt > ADMIN_JWT_LIFETIME_SECONDS_MAX) return 'token_lifetime_too_long';
  if (ownMember(claims, 'iss') !== policy.issuer) return 'issuer_mismatch';
  if (!textsOf(ownMember(claims, 'aud')).includes(policy.audience)) return 'audience_mismatch';
  return isSubject(ownMember(claims, 'sub')) ? undefined : 'claims_malformed';
}

function principalOf(claims: JsonObject, policy: AdminJwtPolicy): AdminJwtOutcome {
  const values = textsOf(claimAt(claims, policy.roleClaim));
  const role = highestRole(
    values.map((value) => policy.roles.get(value)).filter((each) => each !== undefined),
  );
  const tenant = tenantOf(claims, policy);
  const id = ownMember(claims, 'sub');
  if (role === undefined || tenant === undefined || typeof id !== 'string') {
    return { outcome: 'no_role' };
  }
  return { outcome: 'authenticated', principal: { kind: 'admin_jwt', id, role, ...tenant } };
}

const TENANT_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Whom the claims bind to; `undefined` if they have to say and do not. */
function tenantOf(
  claims: JsonObject,
  { tenantClaim }: AdminJwtPolicy,
): Pick<Principal, 'tenantId'> | undefined {
  if (tenantClaim === undefined) return {};
  const value = claimAt(claims, tenantClaim);
  if (value === '*') return {};
  return typeof value === 'string' && TENANT_ID.test(value) ? { tenantId: value } : undefined;
}

/** The claim of that name, or what the pointer leads to (through objects alone). */
function claimAt(claims: JsonObject, name: string): JsonValue | undefined {
  if (!name.startsWith('/')) return ownMember(claims, name);
  let value: JsonValue | undefined = claims;
  for (const part of name.slice(1).split('/')) {
    if (!isJsonObject(value)) return undefined;
    value = ownMember(value, part.replaceAll('~1', '/').replaceAll('~0', '~')); // RFC 6901 §4.
  }
  return value;
}

function isSeconds(value: JsonValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** It names the administrator in audit events. */
function isSubject(value: JsonValue | undefined): boolean {
  return typeof value === 'string' && value !== '' && value.length <= ADMIN_JWT_SUBJECT_LENGTH_MAX;
}

/** A text, or the texts of a list; anything else says nothing. */
function textsOf(value: JsonValue | undefined): readonly string[] {
  const values: readonly (JsonValue | undefined)[] = Array.isArray(value) ? value : [value];
  return values.filter((each) => typeof each === 'string');
}
