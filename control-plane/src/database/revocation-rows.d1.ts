/** Writes revocation rows in the batch of what causes them. */

import { FOR_GOOD } from '@cardea/shared/feed/entry';
import { formatScopeId } from '@cardea/shared/feed/scope-id';
import { type SQL, sql } from 'drizzle-orm';
import type { DrizzleD1Database } from 'drizzle-orm/d1';
import type { NewRevocation } from '../revocations/revocation.ts';
import { NOW_S } from './clock.d1.ts';
import { revocations } from './schema.d1.ts';

/**
 * A statement for a batch: inserts the row if `guard` holds, which says that the cause happened in
 * this same batch. Returns the row, or none. The times are the database's.
 */
export function revocationInsert(db: DrizzleD1Database, revocation: NewRevocation, guard: SQL) {
  const effect = sql`${NOW_S} + ${revocation.effectiveAfterSeconds ?? 0}`;
  // Every column in the order of the schema: drizzle names them so.
  return db
    .insert(revocations)
    .select(
      sql`SELECT ${revocation.revocationId}, ${revocation.tenantId}, ${revocation.scope},
        ${formatScopeId(revocation.scopeId)}, ${boundOf(revocation)}, ${revocation.cause},
        ${NOW_S}, ${effect}, ${effect} + ${revocation.livesSeconds}, 0,
        ${revocation.subject ?? null}, ${revocation.reason ?? null}, NULL WHERE ${guard}`,
    )
    .returning();
}

/** The same for many, all of them or none. They take effect at once. */
export function revocationsInsert(
  db: DrizzleD1Database,
  news: readonly NewRevocation[],
  guard: SQL,
) {
  const rows = news.map((revocation) => ({
    ...{ id: revocation.revocationId, nid: revocation.tenantId, scope: revocation.scope },
    ...{ scope_id: formatScopeId(revocation.scopeId), cause: revocation.cause },
    ...{ lives_s: revocation.livesSeconds, subject: revocation.subject },
    ...{ reason: revocation.reason, bound_s: numberOf(revocation.bound) },
  }));
  return db.insert(revocations).select(
    sql`SELECT e.value ->> 'id', e.value ->> 'nid', e.value ->> 'scope', e.value ->> 'scope_id',
          coalesce(e.value ->> 'bound_s', ${NOW_S}), e.value ->> 'cause', ${NOW_S}, ${NOW_S},
          ${NOW_S} + (e.value ->> 'lives_s'), 0, e.value ->> 'subject', e.value ->> 'reason', NULL
        FROM json_each(${JSON.stringify(rows)}) AS e WHERE ${guard}`,
  );
}

/** Absent: a cut-off at the database's clock. */
function numberOf(bound: NewRevocation['bound']): number | undefined {
  if (bound === 'at_commit') return undefined;
  return bound === 'for_good' ? FOR_GOOD : bound;
}

function boundOf({ bound }: NewRevocation): SQL {
  switch (bound) {
    case 'for_good':
      return sql`${FOR_GOOD}`;
    case 'at_commit':
      return NOW_S;
    default:
      return sql`${bound}`;
  }
}
