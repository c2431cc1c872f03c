/**
 * What holds for a derived token in either form, once it is known whose it is: rules about the key that
 * vouches for it and about its claims. No clock: the time is an argument.
 */

import { refuse } from '../result.ts';
import type { UnixSeconds } from '../time.ts';
import type { TokenClaims } from './claims.ts';

/** What the keyset binds a key to. */
export interface KeyBinding {
  readonly kid: string;
  readonly tenantId: string;
  readonly issuer: string;
  readonly audience: string;
  /** The key verifies tokens from this second … */
  readonly notBeforeSeconds: UnixSeconds;
  /** … and before this one. */
  readonly notAfterSeconds: UnixSeconds;
}

/** Whose tokens are accepted, and how long they may live. */
export interface TokenPolicy {
  readonly issuer: string;
  readonly audience: string;
  readonly tenantId: string;
  /** Longest `exp − iat` accepted, seconds. */
  readonly lifetimeSecondsMax: number;
  /** Applied to `nbf` and to an `iat` in the future, never to `exp`. */
  readonly clockSkewSeconds: number;
}

export interface PolicyAtTime {
  readonly policy: TokenPolicy;
  readonly nowSeconds: UnixSeconds;
}

type RefusedResult = ReturnType<typeof refuse>;

/**
 * Refuses with `signing_key_not_live`, `tenant_mismatch`, `issuer_mismatch` and `audience_mismatch`, in
 * this order.
 */
export function checkKey(
  key: KeyBinding,
  { policy, nowSeconds }: PolicyAtTime,
): RefusedResult | undefined {
  const { kid } = key;
  const isLive = nowSeconds >= key.notBeforeSeconds && nowSeconds < key.notAfterSeconds;
  if (!isLive) return refuse('signing_key_not_live', { kid });
  if (key.tenantId !== policy.tenantId) return refuse('tenant_mismatch', { kid });
  if (key.issuer !== policy.issuer) return refuse('issuer_mismatch', { kid });
  if (key.audience !== policy.audience) return refuse('audience_mismatch', { kid });
  return undefined;
}

/**
 * RFC 7519 §4.1.4 to §4.1.6: no leeway for `exp`, a bounded one for what lies in the future. Each rule
 * is written so that a clock or a limit that is not a number refuses.
 */
export function checkTimes(
  claims: TokenClaims,
  { policy, nowSeconds }: PolicyAtTime,
): RefusedResult | undefined {
  const { issuedAtSeconds, notBeforeSeconds = issuedAtSeconds, expiresAtSeconds } = claims;
  if (!(nowSeconds < expiresAtSeconds)) return refuse('token_expired', { exp: expiresAtSeconds });
  const latestStart = nowSeconds + policy.clockSkewSeconds;
  if (!(notBeforeSeconds <= latestStart)) return refuse('token_not_yet_valid', { claim: 'nbf' });
  if (!(issuedAtSeconds <= latestStart)) return refuse('token_not_yet_valid', { claim: 'iat' });
  const lifetimeSeconds = expiresAtSeconds - issuedAtSeconds;
  if (!(lifetimeSeconds <= policy.lifetimeSecondsMax)) {
    return refuse('token_lifetime_too_long', { lifetimeSeconds });
  }
  return undefined;
}

/** RFC 7519 §4.1.1 and §4.1.3, and the tenant: code units are compared, nothing is normalised. */
export function checkParties(claims: TokenClaims, policy: TokenPolicy): RefusedResult | undefined {
  if (claims.issuer !== policy.issuer) return refuse('issuer_mismatch');
  if (!claims.audiences.includes(policy.audience)) return refuse('audience_mismatch');
  if (claims.tenantId !== policy.tenantId) return refuse('tenant_mismatch');
  return undefined;
}
