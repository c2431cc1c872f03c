/** Writes revocation rows in the transaction of what causes them. */

import { FOR_GOOD } from '@cardea/shared/feed/entry';
import { formatScopeId } from '@cardea/shared/feed/scope-id';
import { type SQL, sql } from 'drizzle-orm';
import type { NewRevocation, Revocation } from '../revocations/revocation.ts';
import { NOW_S } from './clock.pg.ts';
import type { PostgresDatabase } from './postgres.ts';
import { toRevocation } from './revocation-row.ts';
import { revocations } from './schema.pg.ts';

/**
 * Inserts the row; the times are the database's. A cut-off (`at_commit`) is read from the clock here,
 * so the caller must hold the lock of the row that it concerns already: see `minting-store.pg`.
 */
export async function insertRevocation(
  tx: PostgresDatabase,
  revocation: NewRevocation,
): Promise<Revocation> {
  const effect = sql`now_s + ${revocation.effectiveAfterSeconds ?? 0}::bigint`;
  // Every column in the order of the schema: drizzle names them so.
  const [row] = await tx
    .insert(revocations)
    .select(
      sql`SELECT ${revocation.revocationId}::text, ${revocation.tenantId}::text,
          ${revocation.scope}::text, ${formatScopeId(revocation.scopeId)}::text,
          ${boundOf(revocation)}, ${revocation.cause}::text, now_s, ${effect},
          ${effect} + ${revocation.livesSeconds}::bigint, 0, ${revocation.subject ?? null}::text,
          ${revocation.reason ?? null}::text, NULL::bigint, NULL::bigint
        FROM (SELECT ${NOW_S} AS now_s) AS clock`,
    )
    .returning();
  if (row === undefined) throw new TypeError('An unguarded insert returned no row.');
  return toRevocation(row);
}

function boundOf({ bound }: NewRevocation): SQL {
  switch (bound) {
    case 'for_good':
      return sql`${FOR_GOOD}::bigint`;
    case 'at_commit':
      return sql`now_s`;
    default:
      return sql`${bound}::bigint`;
  }
}
