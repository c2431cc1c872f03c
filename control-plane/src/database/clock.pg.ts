/**
 * PostgreSQL's clock, inside statements. `clock_timestamp()` and not `now()`: the latter is the start of
 * the transaction, which may have waited for a lock since. Being volatile, it also keeps Hyperdrive
 * from answering a statement out of its cache.
 */

import { type SQL, sql } from 'drizzle-orm';

/** Milliseconds, read where it stands: in `RETURNING`, after the row has been locked. */
export const CLOCK_MS: SQL<number> =
  sql<number>`floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint`.mapWith(Number);

const CLOCK_S = sql<number>`floor(extract(epoch FROM clock_timestamp()))::bigint`;

/**
 * Milliseconds; the same value for every row of a statement, but not in two places of it. A sub-query: the
 * planner takes what it answers for a constant, so an index can serve comparisons with it.
 */
export const NOW_MS: SQL<number> = sql<number>`(SELECT ${CLOCK_MS})`.mapWith(Number);

/**
 * For the `FROM` of a statement in which two columns take the same time, `now_ms`: each {@link NOW_MS}
 * reads it anew.
 */
export const CLOCK_READ_ONCE: SQL = sql`(SELECT ${CLOCK_MS} AS now_ms) AS clock`;

/** Milliseconds, of {@link CLOCK_READ_ONCE}. */
export const ONCE_MS: SQL<number> = sql<number>`clock.now_ms`.mapWith(Number);

/** Whole seconds, as {@link NOW_MS}. */
export const NOW_S: SQL<number> = sql<number>`(SELECT ${CLOCK_S})`.mapWith(Number);
