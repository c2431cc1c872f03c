/** What restoring has in common on both databases: the rows, and scope ids computed in SQL. */

import { formatScopeId } from '@cardea/shared/feed/scope-id';
import { type SQL, sql } from 'drizzle-orm';
import type { LostEntry } from '../publication/restoration.ts';

/** Whose it was is not to be known from an entry, so its row counts for every tenant. */
export const RESTORED_ROW = { nid: '', scope: 'everything', cause: 'database.restored' } as const;

export function lostRow(entry: LostEntry) {
  return {
    id: entry.revocationId,
    scope_id: formatScopeId(entry.scopeId),
    bound_s: entry.boundSeconds,
    expires_at_s: entry.expiresAtSeconds,
  };
}

/** `scopeIdOfUuid` in SQL: bytes 0 to 5, 7 and 9 of the UUID in its text form. */
function scopeOfUuid(column: string): string {
  const parts = [
    [1, 8],
    [10, 4],
    [17, 2],
    [22, 2],
  ].map(([from, length]) => `substr(${column}, ${from}, ${length})`);
  return `(${parts.join(' || ')})`;
}

/** `scopeIdOfKey` in SQL, of a row of `api_keys`. No index helps: whoever asks reads every key. */
export const SCOPE_OF_KEY: SQL<string> = sql.raw(
  `(CASE kind WHEN 'imported' THEN substr(key_id, 1, 16) ELSE ${scopeOfUuid('key_id')} END)`,
) as SQL<string>;

/** Scope id of the tenant of a row. */
export const SCOPE_OF_TENANT: SQL<string> = sql.raw(scopeOfUuid('nid')) as SQL<string>;
