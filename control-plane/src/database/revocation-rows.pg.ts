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

/** The same for many, which take effect at once. In no order. */
export async function insertRevocations(
  tx: PostgresDatabase,
  news: readonly NewRevocation[],
): Promise<readonly Revocation[]> {
  const items = news.map((revocation) => ({
    ...{ id: revocation.revocationId, nid: revocation.tenantId, scope: revocation.scope },
    ...{ scope_id: formatScopeId(revocation.scopeId), cause: revocation.cause },
    ...{ lives_s: revocation.livesSeconds, subject: revocation.subject },
    ...{ reason: revocation.reason, bound_s: numberOf(revocation.bound) },
  }));
  const rows = await tx
    .insert(revocations)
    .select(
      sql`SELECT id, nid, scope, scope_id, coalesce(bound_s, now_s), cause, now_s, now_s,
          now_s + lives_s, 0, subject, reason, NULL::bigint, NULL::bigint
        FROM (SELECT ${NOW_S} AS now_s) AS clock,
          json_to_recordset(${JSON.stringify(items)}::json) AS item(id text, nid text,
            scope text, scope_id text, cause text, lives_s bigint, subject text, reason text,
            bound_s bigint)`,
    )
    .returning();
  return rows.map(toRevocation);
}

/** Absent: a cut-off at the database's clock. */
function numberOf(bound: NewRevocation['bound']): number | undefined {
  if (bound === 'at_commit') return undefined;
  return bound === 'for_good' ? FOR_GOOD : bound;
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
