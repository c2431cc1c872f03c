/**
 * Removes counters that count nothing any more: buckets that are full again, windows that are over. On
 * Workers each of them ends itself. Every process does it; whoever comes second finds nothing.
 */

import { pruneAttempts } from '../database/attempt-counters.pg.ts';
import type { PostgresDatabase } from '../database/postgres.ts';
import { pruneRateLimits } from '../database/rate-limiter.pg.ts';
import type { Log } from '../log.ts';

const PRUNE_MILLISECONDS = 10 * 60 * 1000;

/** Answers how to end it: that waits for what is under way. */
export function pruneCountersRegularly(db: PostgresDatabase, log: Log): () => Promise<void> {
  let underWay: Promise<void> = Promise.resolve();
  const prune = async () => {
    try {
      await pruneAttempts(db);
      await pruneRateLimits(db);
    } catch (error) {
      // They only take up space: the next time is early enough.
      const name = error instanceof Error ? error.name : 'unknown';
      log('warn', 'counters_not_pruned', { error: name });
    }
  };
  const timer = setInterval(() => {
    underWay = underWay.then(prune);
  }, PRUNE_MILLISECONDS);
  return async () => {
    clearInterval(timer);
    await underWay;
  };
}
