/**
 * A row of `api_keys` as one column of JSON. The driver spends as long on each column as the parser of
 * JSON on all of them; what every verification and every exchange reads is worth that.
 */

import { getTableColumns, type SQL, sql } from 'drizzle-orm';
import type { ApiKeyRow } from './api-key-row.ts';
import { apiKeys } from './schema.pg.ts';

/** Member and column name. */
const COLUMNS = Object.entries(getTableColumns(apiKeys)).map(
  ([member, column]) => [member, column.name] as const,
);

export const KEY_ROW_JSON: SQL<string> = sql<string>`row_to_json(${apiKeys})::text`;

/** Our own row, written by the database: integers are below 2^53, JSON columns are texts in it. */
export function parseKeyRow(json: string): ApiKeyRow {
  const values: Readonly<Record<string, unknown>> = JSON.parse(json);
  return Object.fromEntries(COLUMNS.map(([member, name]) => [member, values[name]])) as ApiKeyRow;
}
