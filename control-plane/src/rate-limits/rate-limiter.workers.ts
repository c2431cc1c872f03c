/** Rate limits on Workers: one Durable Object a bucket. */

import type { RateLimitCounter } from './rate-limit-counter.ts';
import type { RateLimiter } from './rate-limiter.ts';

/** That the class behind the binding is `RateLimitCounter` is written in wrangler.toml. */
export function createWorkersRateLimiter(namespace: DurableObjectNamespace): RateLimiter {
  return {
    async take({ bucket, quota, windowSeconds }) {
      const stub = namespace.get(namespace.idFromName(bucket));
      const counter = stub as unknown as Pick<RateLimitCounter, 'take'>;
      return counter.take({ quota, windowSeconds });
    },
  };
}
