/** What `adapter.mjs` exports; its header says what goes in and what comes out. */

import { encodeBase64url } from '../../shared/src/bytes/base64url.ts';
import { decodeHex } from '../../shared/src/bytes/hex.ts';
import {
  importVerificationKey,
  verifySignature,
} from '../../shared/src/crypto/verification-key.ts';
import type { VerifiedClaims } from '../../shared/src/jwt/claims.ts';
import { parseJwt, type UnverifiedJwt } from '../../shared/src/jwt/parse.ts';
import {
  type JwtPolicy,
  type JwtVerificationKey,
  verifyJwt as verifyShipped,
} from '../../shared/src/jwt/verify.ts';
import {
  CLOCK_SKEW_SECONDS_MAX,
  DERIVED_TOKEN_TTL_SECONDS_MAX_DEFAULT,
} from '../../shared/src/limits.ts';
import { type UnixSeconds, unixSeconds } from '../../shared/src/time.ts';

export type AdapterOutcome =
  | {
      readonly ok: true;
      readonly claims: Readonly<Record<string, unknown>>;
      readonly verified: VerifiedClaims;
    }
  | { readonly ok: false; readonly reason: string };

interface Trust {
  readonly policy: JwtPolicy & { readonly nowSeconds: UnixSeconds };
  readonly keys: ReadonlyMap<string, JwtVerificationKey>;
  readonly refusedKids: ReadonlySet<string>;
}

export async function verifyJwt(token: unknown, options: unknown): Promise<AdapterOutcome> {
  try {
    const policy = readPolicy(memberOf(options, 'policy'));
    if (policy === undefined) return { ok: false, reason: 'policy_invalid' };
    const jwks = readJwks(memberOf(options, 'jwks'));
    if (jwks === undefined) return { ok: false, reason: 'jwks_invalid' };
    if (typeof token !== 'string') return { ok: false, reason: 'token_malformed' };
    return await verifyUnder(token, await importKeys(jwks, policy));
  } catch {
    // A getter or a proxy among the arguments threw: whatever it is, it is no acceptance.
    return { ok: false, reason: 'jwks_invalid' };
  }
}

async function verifyUnder(token: string, { policy, keys, refusedKids }: Trust) {
  const jwt = parseJwt(token);
  if (jwt.ok && refusedKids.has(jwt.value.unverifiedHeader.keyId)) {
    return { ok: false, reason: 'verification_key_invalid' } as const;
  }
  const outcome = await verifyShipped(token, { keys, policy, nowSeconds: policy.nowSeconds });
  if (!outcome.ok) return { ok: false, reason: outcome.refusal.reason } as const;
  return { ok: true, claims: jwt.ok ? claimsOf(jwt.value) : {}, verified: outcome.value } as const;
}

export async function verifyEd25519(
  publicKey: unknown,
  message: unknown,
  signature: unknown,
): Promise<boolean> {
  const [x, signed, proof] = [publicKey, message, signature].map(bytesOf);
  if (x === undefined || signed === undefined || proof === undefined) return false;
  const key = await importVerificationKey({ kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(x) });
  return key.ok && verifySignature(key.value, proof, signed);
}

function readPolicy(given: unknown): Trust['policy'] | undefined {
  const either = (name: string, alias: string) => memberOf(given, name) ?? memberOf(given, alias);
  const issuer = either('issuer', 'iss');
  const audience = either('audience', 'aud');
  const tenantId = either('tenantId', 'nid');
  const now = either('nowSeconds', 'now');
  const clockSkewSeconds = memberOf(given, 'clockSkewSeconds') ?? CLOCK_SKEW_SECONDS_MAX;
  const lifetimeSecondsMax =
    memberOf(given, 'lifetimeSecondsMax') ?? DERIVED_TOKEN_TTL_SECONDS_MAX_DEFAULT;
  if (!isText(issuer) || !isText(audience) || !isText(tenantId)) return undefined;
  if (!isCount(now) || !isCount(clockSkewSeconds) || !isCount(lifetimeSecondsMax)) return undefined;
  const nowSeconds = unixSeconds(now);
  return { issuer, audience, tenantId, nowSeconds, clockSkewSeconds, lifetimeSecondsMax };
}

/** A JWK Set (RFC 7517 §5), also in the envelope in which Talos and Cardea serve it. */
function readJwks(given: unknown): readonly unknown[] | undefined {
  const keys = memberOf(given, 'keys') ?? memberOf(memberOf(given, 'jwks'), 'keys');
  return Array.isArray(keys) ? keys : undefined;
}

async function importKeys(jwks: readonly unknown[], policy: Trust['policy']): Promise<Trust> {
  const keys = new Map<string, JwtVerificationKey>();
  const refusedKids = new Set<string>();
  const { tenantId, issuer, audience } = policy;
  const life = { notBeforeSeconds: unixSeconds(0), notAfterSeconds: unixSeconds(2 ** 53 - 1) };
  for (const jwk of jwks) {
    const kid = memberOf(jwk, 'kid');
    if (typeof kid !== 'string') continue; // Nothing can name it.
    const imported = await importVerificationKey(jwk);
    if (!imported.ok || keys.has(kid)) refusedKids.add(kid);
    else keys.set(kid, { ...imported.value, kid, tenantId, issuer, audience, ...life });
  }
  return { policy, keys, refusedKids };
}

function claimsOf(jwt: UnverifiedJwt): Readonly<Record<string, unknown>> {
  return JSON.parse(jwt.unverifiedPayload);
}

function bytesOf(value: unknown): Uint8Array<ArrayBuffer> | undefined {
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  return typeof value === 'string' ? decodeHex(value.toLowerCase()) : undefined;
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}
