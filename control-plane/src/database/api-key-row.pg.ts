/**
 * Rows of `api_keys` as one column of JSON. The driver spends as long on each column as the parser of
 * JSON on all of them; what every verification and every exchange reads is worth that.
 */

import { getTableColumns, type Placeholder, type SQL, sql } from 'drizzle-orm';
import type { ApiKeyRow } from './api-key-row.ts';
import { apiKeys } from './schema.pg.ts';

/** The columns under the names that their members have here: the JSON of a row is the row. */
const COLUMNS = sql.join(
  Object.entries(getTableColumns(apiKeys)).map(
    ([member, { name }]) => sql`own.${sql.identifier(name)} AS ${sql.identifier(member)}`,
  ),
  sql`, `,
);

/** Texts without commas (ids) as one text without repetitions, for `string_to_table`. */
export function listOf(ids: readonly string[]): string {
  return [...new Set(ids)].join(',');
}

export interface AskedKeys {
  readonly tenantId: string | Placeholder;
  /** As {@link listOf} writes it. */
  readonly keyIds: string | Placeholder;
}

export type JsonKeyRow = ApiKeyRow & {
  /** Somebody has locked, changed or removed this version of the row, or has tried to. */
  readonly isTouched: boolean;
};

/**
 * The rows that are there of the keys asked for: a JSON array, as text. One look-up by the primary key
 * for each (`OFFSET 0`): the planner, which cannot know how long the list is, would otherwise make a new
 * plan each time, or read the whole of a small table.
 */
export function keyRowsJson({ tenantId, keyIds }: AskedKeys): SQL<string> {
  return sql<string>`(
    SELECT coalesce(json_agg(found), '[]')::text FROM string_to_table(${keyIds}, ',') AS asked (id)
      CROSS JOIN LATERAL (
        SELECT ${COLUMNS}, own.xmax <> '0'::xid AS "isTouched" FROM ${apiKeys} AS own
        WHERE own.nid = ${tenantId} AND own.key_id = asked.id OFFSET 0) AS found)`;
}

/**
 * By key id. Our own rows, written by the database: integers are below 2^53, JSON columns are texts in
 * them.
 */
export function parseKeyRows(json: string): ReadonlyMap<string, JsonKeyRow> {
  const rows: readonly JsonKeyRow[] = JSON.parse(json);
  return new Map(rows.map((row) => [row.keyId, row]));
}
