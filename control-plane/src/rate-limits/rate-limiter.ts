/**
 * The port to the counters of requests. GCRA (ITU-T I.371, "virtual scheduling"): one number a
 * bucket, no window that opens all at once.
 */

export interface RateLimitRequest {
  /** What is counted, e.g. `verify/{tenantId}/{keyId}`. */
  readonly bucket: string;
  /** Requests per window; more than 2^53 − 1 is no limit. */
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
  /** Counts one request. Counters that cannot be reached let pass, and the log says so. */
  take(request: RateLimitRequest): Promise<RateLimitDecision>;
}
