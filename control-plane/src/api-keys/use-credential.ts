/**
 * What verify and batchVerify do with a verdict: a valid key is counted against its rate limit, and
 * its use is noted. Nothing that was refused is counted, so nobody uses up the limit of a key that
 * is not theirs.
 */

import type { Refusal } from '@cardea/shared/refusals';
import type { Result } from '@cardea/shared/result';
import { type UnixMilliseconds, unixMilliseconds } from '@cardea/shared/time';
import type { Deps } from '../deps.ts';
import { RATE_LIMIT_QUOTA_MAX } from '../limits.ts';
import type { OpenRateLimiter } from '../rate-limits/open-on-failure.ts';
import type { RateLimitDecision } from '../rate-limits/rate-limiter.ts';
import type { ApiKey, RateLimitPolicy } from './api-key.ts';
import { credentialRefusal } from './credential-refusals.ts';
import type { VerifiedCredential } from './verify-credential.ts';

/** The limit of a key, and where the key stands. */
export interface RateLimitState {
  readonly policy: RateLimitPolicy;
  /** Absent when nobody could tell, or when the quota is too large to be counted. */
  readonly decision?: RateLimitDecision;
  /** The database's clock at the time of the decision. */
  readonly now: UnixMilliseconds;
}

export type CredentialUse =
  | {
      readonly outcome: 'valid';
      readonly credential: VerifiedCredential;
      readonly rateLimit?: RateLimitState;
    }
  | { readonly outcome: 'rate_limited'; readonly rateLimit: RateLimitState }
  | { readonly outcome: 'refused'; readonly refusal: Refusal };

export interface UseParts extends Pick<Deps, 'lastUsed' | 'metrics'> {
  readonly limiter: OpenRateLimiter;
}

/** One use of one credential. Never throws. */
export async function useCredential(
  parts: UseParts,
  verified: Result<VerifiedCredential>,
): Promise<CredentialUse> {
  if (!verified.ok) return { outcome: 'refused', refusal: verified.refusal };
  const credential = verified.value;
  // Derived tokens have no limit of their own, and to look up their key would be a read (Talos's).
  if (credential.kind === 'derived_token') return { outcome: 'valid', credential };
  const rateLimit = await countUse(parts, credential.key, credential.now);
  if (rateLimit?.decision?.isAllowed === false) return { outcome: 'rate_limited', rateLimit };
  parts.lastUsed.used(credential.key, credential.now);
  return { outcome: 'valid', credential, ...(rateLimit === undefined ? {} : { rateLimit }) };
}

/** Uses of a batch: one key's count one after another, in order, and keys beside each other. */
export async function useCredentials(
  parts: UseParts,
  verified: ReadonlyArray<Result<VerifiedCredential>>,
): Promise<readonly CredentialUse[]> {
  const earlier = new Map<string, Promise<CredentialUse>>();
  return Promise.all(
    verified.map((one, i) => {
      const key = one.ok && one.value.kind === 'api_key' ? one.value.key.keyId : String(i);
      const before = earlier.get(key) ?? Promise.resolve();
      const use = before.then(() => useCredential(parts, one));
      earlier.set(key, use);
      return use;
    }),
  );
}

async function countUse(
  { limiter, metrics }: UseParts,
  { keyId, rateLimitPolicy: policy, tenantId }: ApiKey,
  now: UnixMilliseconds,
): Promise<RateLimitState | undefined> {
  if (policy === undefined) return undefined;
  const quota = Number(policy.quota);
  if (quota > RATE_LIMIT_QUOTA_MAX) return { policy, now };
  const bucket = `verify/${tenantId}/${keyId}`;
  const { windowSeconds } = policy;
  const decision = await limiter.take({ bucket, quota, windowSeconds });
  metrics.increment('cardea_rate_limit_decisions_total', { decision: nameOf(decision) });
  return { policy, now, ...(decision === undefined ? {} : { decision }) };
}

function nameOf(decision: RateLimitDecision | undefined): string {
  if (decision === undefined) return 'unknown';
  return decision.isAllowed ? 'allowed' : 'limited';
}

/** When the whole quota is there again. */
export function resetTimeOf({ resetSeconds }: RateLimitDecision, now: UnixMilliseconds) {
  return unixMilliseconds(now + Math.ceil(resetSeconds * 1000));
}

/** `valid`, or the error's name in lower case: labels of `cardea_verifications_total`. */
export function outcomeName(use: CredentialUse): string {
  if (use.outcome !== 'refused') return use.outcome;
  return credentialRefusal(use.refusal.reason).verificationError.toLowerCase();
}
