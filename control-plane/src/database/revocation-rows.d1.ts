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
