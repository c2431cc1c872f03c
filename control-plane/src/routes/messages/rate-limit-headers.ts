/**
 * `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers §3 and §4) and `Retry-After`
 * (RFC 9110 §10.2.3), for an answer about one key.
 */

import type { CredentialUse } from '../../api-keys/use-credential.ts';

/** Largest Integer of structured fields (RFC 9651 §3.3.1). */
const INTEGER_MAX = 999_999_999_999_999n;

export function rateLimitHeaders(use: CredentialUse): Readonly<Record<string, string>> {
  const state = use.outcome === 'refused' ? undefined : use.rateLimit;
  if (state === undefined) return {};
  const { decision, policy } = state;
  // Windows are whole seconds there (§3.1.3).
  const window = integer(BigInt(Math.ceil(policy.windowSeconds)));
  const told = {
    'RateLimit-Policy': `"default";q=${integer(BigInt(policy.quota))};w=${window}`,
  };
  if (decision === undefined) return told;
  const { isAllowed, remaining, resetSeconds, retryAfterSeconds } = decision;
  return {
    ...told,
    RateLimit: `"default";r=${remaining};t=${Math.ceil(resetSeconds)}`,
    ...(isAllowed ? {} : { 'Retry-After': String(Math.max(1, Math.ceil(retryAfterSeconds))) }),
  };
}

function integer(value: bigint): bigint {
  return value < INTEGER_MAX ? value : INTEGER_MAX;
}
