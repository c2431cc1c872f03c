/**
 * Counters of requests in PostgreSQL: one statement a request, which waits for no disk. The arithmetic
 * is that of `rate-limits/gcra`, here in SQL, and the answer is made there.
 */

import { lt, sql } from 'drizzle-orm';
import { gcra, paceOf } from '../rate-limits/gcra.ts';
import type { RateLimiter } from '../rate-limits/rate-limiter.ts';
import { answered } from './answered.pg.ts';
import type { PostgresDatabase } from './postgres.ts';
import { rateLimits } from './schema.pg.ts';

const NOW_US = sql<number>`floor(extract(epoch FROM clock_timestamp()) * 1000000)::bigint`;

export function createRateLimiter(db: PostgresDatabase): RateLimiter {
  return {
    async take({ bucket, quota, windowSeconds }) {
      const { interval, burst } = paceOf({ quota, windowSeconds });
      const now = sql`excluded.last_us`;
      const pending = sql`least(greatest(${rateLimits.fullAgainUs} - ${now}, 0), ${burst}::bigint)`;
      const isAllowed = sql`${pending} + ${interval}::bigint <= ${burst}::bigint`;
      const [row] = await answered(
        db
          .insert(rateLimits)
          .select(
            sql`SELECT ${bucket}::text, now_us + ${interval}::bigint, now_us, true
              FROM (SELECT ${NOW_US} AS now_us) AS clock`,
          )
          .onConflictDoUpdate({
            target: rateLimits.bucket,
            set: {
              fullAgainUs: sql`${now} + ${pending}
                + CASE WHEN ${isAllowed} THEN ${interval}::bigint ELSE 0 END`,
              lastUs: now,
              isAllowed,
            },
          })
          .returning(),
      );
      if (row === undefined) throw new TypeError('An upsert returned no row.');
      const fullBefore = row.isAllowed ? row.fullAgainUs - interval : row.fullAgainUs;
      return gcra(fullBefore, { quota, windowSeconds }, row.lastUs).decision;
    },
  };
}

/** Removes the buckets that are full: they count as unused. For the regular clean-up. */
export async function pruneRateLimits(db: PostgresDatabase): Promise<void> {
  await answered(db.delete(rateLimits).where(lt(rateLimits.fullAgainUs, NOW_US)));
}
