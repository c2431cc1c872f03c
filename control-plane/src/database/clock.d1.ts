/** The database's clock, inside statements: what decides about keys is read where the row is. */

import { type SQL, sql } from 'drizzle-orm';

/** Milliseconds; the same value throughout one statement (SQLite, "Date And Time Functions" §3). */
export const NOW_MS: SQL<number> = sql<number>`CAST(unixepoch('subsec') * 1000 AS INTEGER)`;

/** Whole seconds. */
export const NOW_S: SQL<number> = sql<number>`unixepoch()`;
