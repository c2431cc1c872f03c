/**
 * The generic cell rate algorithm (ITU-T I.371, "virtual scheduling"): the whole state of a bucket is
 * one time, at which the bucket will be full again. Integer arithmetic in microseconds. No I/O, no clock.
 *
 * What it guarantees, for requests counted at times that do not go back and one unchanged policy:
 * in any span of T microseconds at most `quota + floor(T / interval)` are allowed, so `quota` at once
 * and fewer than twice that in one window; and a client that keeps `interval` between its
 * requests is never refused. `interval` is window / quota, rounded up to a whole microsecond: the
 * rounding never allows more than the policy says.
 */

import { RATE_LIMIT_WINDOW_SECONDS_MAX } from '../limits.ts';
import type { RateLimitDecision } from './rate-limiter.ts';

export interface GcraPolicy {
  /** 1 to `RATE_LIMIT_QUOTA_MAX`. */
  readonly quota: number;
  /** At least 1; more than `RATE_LIMIT_WINDOW_SECONDS_MAX` counts as that. */
  readonly windowSeconds: number;
}

export interface GcraOutcome {
  readonly decision: RateLimitDecision;
  /** The new state: changed only by an allowed request. */
  readonly fullAgainAt: number;
}

const MICROSECONDS = 1_000_000;

/**
 * Judges one request at `now`. Times are whole microseconds since 1970; `fullAgainAt` is `undefined`
 * for a bucket that has not been used, or whose state is gone.
 */
export function gcra(
  fullAgainAt: number | undefined,
  policy: GcraPolicy,
  now: number,
): GcraOutcome {
  const { interval, burst } = paceOf(policy);
  // Never further away than a whole quota: a clock that went back, or a policy that was narrowed,
  // must not lock a key out for longer than its own window.
  const pending = Math.min(Math.max((fullAgainAt ?? now) - now, 0), burst);
  const isAllowed = pending + interval <= burst;
  const after = isAllowed ? pending + interval : pending;
  return {
    decision: {
      isAllowed,
      remaining: quotient(burst - after, interval),
      resetSeconds: after / MICROSECONDS,
      retryAfterSeconds: Math.max(after + interval - burst, 0) / MICROSECONDS,
    },
    fullAgainAt: now + after,
  };
}

/** `interval` between requests at an even pace, and `burst`: the time that a whole quota is worth. */
export function paceOf({ quota, windowSeconds }: GcraPolicy): {
  readonly interval: number;
  readonly burst: number;
} {
  const seconds = Math.min(windowSeconds, RATE_LIMIT_WINDOW_SECONDS_MAX);
  const window = Math.round(seconds * MICROSECONDS);
  const remainder = window % quota;
  const interval = Math.max((window - remainder) / quota + (remainder === 0 ? 0 : 1), 1);
  return { interval, burst: interval * quota };
}

/** Integer division: that of floating point may round up to a whole that is not reached. */
function quotient(dividend: number, divisor: number): number {
  return (dividend - (dividend % divisor)) / divisor;
}
