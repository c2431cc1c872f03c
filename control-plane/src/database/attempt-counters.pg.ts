/**
 * Failed exchanges by client address in PostgreSQL: what `tokens/attempt-limiter` counts in Durable
 * Objects. Successes are not counted and cost no write.
 */

import { eq, lt, sql } from 'drizzle-orm';
import type { AttemptCounter } from '../tokens/attempts.ts';
import { answered } from './answered.pg.ts';
import { NOW_MS } from './clock.pg.ts';
import type { PostgresDatabase } from './postgres.ts';
import { attempts } from './schema.pg.ts';

const WINDOW_MILLISECONDS = 60_000;

export function createAttemptCounters(db: PostgresDatabase): (bucket: string) => AttemptCounter {
  const columns = {
    startedAtMs: attempts.startedAtMs,
    failures: attempts.failures,
    nowMs: NOW_MS.as('now_ms'),
  };
  return (bucket) => ({
    async blockedFor(failuresMax) {
      const [row] = await answered(
        db.select(columns).from(attempts).where(eq(attempts.bucket, bucket)),
      );
      return row === undefined ? 0 : remaining(row, failuresMax);
    },

    async fail(failuresMax) {
      const isOver = sql`${attempts.startedAtMs} + ${WINDOW_MILLISECONDS} <= excluded.started_at_ms`;
      const [row] = await answered(
        db
          .insert(attempts)
          .values({ bucket, startedAtMs: NOW_MS, failures: 1 })
          .onConflictDoUpdate({
            target: attempts.bucket,
            set: {
              startedAtMs: sql`CASE WHEN ${isOver} THEN excluded.started_at_ms
                ELSE ${attempts.startedAtMs} END`,
              failures: sql`CASE WHEN ${isOver} THEN 1 ELSE ${attempts.failures} + 1 END`,
            },
          })
          .returning(columns),
      );
      if (row === undefined) throw new TypeError('An upsert returned no row.');
      // The last failure that is allowed is answered as a failure, the one after it as too many.
      return remaining(row, failuresMax + 1);
    },
  });
}

/** Removes windows that are over. For the regular clean-up. */
export async function pruneAttempts(db: PostgresDatabase): Promise<void> {
  const end = sql`${NOW_MS} - ${WINDOW_MILLISECONDS}`;
  await answered(db.delete(attempts).where(lt(attempts.startedAtMs, end)));
}

interface Window {
  readonly startedAtMs: number;
  readonly failures: number;
  readonly nowMs: number;
}

function remaining({ startedAtMs, failures, nowMs }: Window, failuresMax: number): number {
  const left = startedAtMs + WINDOW_MILLISECONDS - nowMs;
  if (left <= 0 || failures < failuresMax) return 0;
  return left;
}
