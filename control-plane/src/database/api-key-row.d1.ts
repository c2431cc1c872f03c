/** New rows of `api_keys` in D1. */

import { type SQL, sql } from 'drizzle-orm';
import type { NewRow } from './api-key-row.ts';
import { NOW_MS } from './clock.d1.ts';

/**
 * The expressions of one new row: every column in the order of the schema, because drizzle names
 * them so. `item` is what a `NewRow` is called in the statement.
 */
export function newRowExpressions(item: SQL, expireTimeMs: SQL): SQL {
  const own = (name: keyof NewRow) => sql`${item} ->> ${sql.raw(`'${name}'`)}`;
  return sql`${own('nid')}, ${own('key_id')}, ${own('kind')}, ${own('name')}, ${own('actor_id')},
    ${own('scopes')}, ${own('metadata')}, 'active', ${own('visibility')}, ${own('secret_hash')},
    ${NOW_MS}, ${NOW_MS}, ${expireTimeMs}, NULL,
    ${own('rate_limit_quota')}, ${own('rate_limit_window_s')}, ${own('allowed_cidrs')},
    NULL, NULL, NULL, NULL, NULL, 1, ${own('changed_by')}`;
}
