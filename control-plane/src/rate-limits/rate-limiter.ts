/** The port to the counters of requests. Each bucket follows the algorithm of `gcra.ts`. */

export interface RateLimitRequest {
  /** What is counted, e.g. `verify/{tenantId}/{keyId}`. */
  readonly bucket: string;
  /** Requests per window: 1 to `RATE_LIMIT_QUOTA_MAX`. */
  readonly quota: number;
  readonly windowSeconds: number;
}

export interface RateLimitDecision {
  readonly isAllowed: boolean;
  /** Requests that would be allowed right now, after this one. */
  readonly remaining: number;
  /** Seconds until the whole quota is there again. */
  readonly resetSeconds: number;
  /** Seconds until one more request is allowed; 0 if one is. */
  readonly retryAfterSeconds: number;
}

export interface RateLimiter {
  /**
   * Counts one request, if it is allowed. May throw or take its time when the counters cannot be
   * reached: `open-on-failure` is who lets requests pass then.
   */
  take(request: RateLimitRequest): Promise<RateLimitDecision>;
}
