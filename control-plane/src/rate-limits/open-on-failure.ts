/**
 * Rate limits open on failure (threat 31): a limiter that cannot be reached must not take
 * verification down with it. Each question has a time limit, and after a failure the limiter is left
 * alone for a while, so that an outage costs one wait and not one a request.
 */

import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import { within } from '../within.ts';
import type { RateLimitDecision, RateLimiter, RateLimitRequest } from './rate-limiter.ts';

/** Verification waits for this answer after the database's: no longer than that takes. */
const TAKE_MILLISECONDS_MAX = 100;
/** How long nobody is asked after a failure. */
const PAUSE_MILLISECONDS = 1000;

export interface OpenRateLimiter {
  /** The decision, or `undefined` when nobody could tell: then the request passes. Never throws. */
  take(request: RateLimitRequest): Promise<RateLimitDecision | undefined>;
}

export function openOnFailure(parts: {
  readonly rateLimiter: RateLimiter;
  readonly clock: Clock;
  readonly log: Log;
}): OpenRateLimiter {
  const { rateLimiter, clock, log } = parts;
  let pausedUntil = 0;
  return {
    async take(request) {
      if (clock.now() < pausedUntil) return undefined;
      try {
        return await within(TAKE_MILLISECONDS_MAX, rateLimiter.take(request));
      } catch (error) {
        const name = error instanceof Error ? error.name : 'unknown';
        if (clock.now() >= pausedUntil) log('error', 'rate_limiter_unreachable', { error: name });
        pausedUntil = clock.now() + PAUSE_MILLISECONDS;
        return undefined;
      }
    },
  };
}
