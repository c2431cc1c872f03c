/**
 * PostgreSQL's clock, inside statements. `clock_timestamp()` and not `now()`: the latter is the start of
 * the transaction, which may have waited for a lock since. Being volatile, it also keeps Hyperdrive
 * from answering a statement out of its cache.
 */

import { type SQL, sql } from 'drizzle-orm';

/** Milliseconds. Read anew at each place where it stands. */
export const NOW_MS: SQL<number> =
  sql<number>`floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint`.mapWith(Number);

/** Whole seconds. */
export const NOW_S: SQL<number> =
  sql<number>`floor(extract(epoch FROM clock_timestamp()))::bigint`.mapWith(Number);
