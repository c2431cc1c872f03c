/** Writes back into PostgreSQL what it has forgotten. See `publication/restoration`. */

import { FOR_GOOD } from '@cardea/shared/feed/entry';
import { and, eq, inArray, isNull, lt, or, type SQL, sql } from 'drizzle-orm';
import type { RestorationStore } from '../publication/restoration.ts';
import { answered, inTransaction } from './answered.pg.ts';
import { insertAuditEvents } from './audit-rows.pg.ts';
import { NOW_MS, NOW_S } from './clock.pg.ts';
import type { PostgresDatabase } from './postgres.ts';
import { publicationMarks } from './publisher-schema.pg.ts';
import { lostRow, RESTORED_ROW, SCOPE_OF_KEY, SCOPE_OF_TENANT } from './restoration-rows.ts';
import { elementsOf } from './revocation-store.pg.ts';
import { apiKeys, revocations } from './schema.pg.ts';

export function createRestorationStore(db: PostgresDatabase): RestorationStore {
  return {
    async mark() {
      const [row] = await answered(db.select().from(publicationMarks));
      return row?.mark ?? 0;
    },

    async moveMark({ from, to }) {
      const isFrom = and(eq(publicationMarks.id, 1), eq(publicationMarks.mark, from));
      const moved = { id: publicationMarks.id };
      const move =
        from === 0
          ? db
              .insert(publicationMarks)
              .values({ id: 1, mark: to })
              .onConflictDoNothing()
              .returning(moved)
          : db.update(publicationMarks).set({ mark: to }).where(isFrom).returning(moved);
      return (await answered(move)).length === 1;
    },

    restore: (entries, event) =>
      inTransaction(db, async (tx) => {
        const written = await insertLacking(tx, JSON.stringify(entries.map(lostRow)));
        if (written.length === 0) return 0;
        const ids = written.map(({ revocationId }) => revocationId);
        const changes = {
          updateTimeMs: NOW_MS,
          revision: sql`${apiKeys.revision} + 1`,
          changedBy: event.eventId,
        };
        const isActive = eq(apiKeys.state, 'active');
        await tx
          .update(apiKeys)
          .set({ ...changes, state: 'revoked', revocationReason: 'unspecified' })
          .where(
            and(isActive, isEndedBy(writtenScopes(tx, ids, eq(revocations.boundS, FOR_GOOD)))),
          );
        await tx
          .update(apiKeys)
          .set({ ...changes, disableTimeMs: NOW_MS })
          .where(
            and(
              isActive,
              isNull(apiKeys.disableTimeMs),
              inArray(SCOPE_OF_KEY, writtenScopes(tx, ids, lt(revocations.boundS, FOR_GOOD))),
            ),
          );
        await insertAuditEvents(tx, [event]);
        return written.length;
      }),
  };
}

/** A row that takes effect later (the end of an overlap) does not stand for one that was in effect. */
async function insertLacking(tx: PostgresDatabase, json: string) {
  // Every column in the order of the schema: drizzle names them so.
  return tx
    .insert(revocations)
    .select(
      sql`SELECT e.id, ${RESTORED_ROW.nid}::text, ${RESTORED_ROW.scope}::text, e.scope_id,
          e.bound_s, ${RESTORED_ROW.cause}::text, ${NOW_S}, ${NOW_S}, e.expires_at_s, 1,
          NULL::text, NULL::text, NULL::bigint, NULL::bigint
        FROM json_to_recordset(${json}::json)
          AS e(id text, scope_id text, bound_s bigint, expires_at_s bigint)
        LEFT JOIN LATERAL (SELECT max(known.bound_s) AS bound_s FROM revocations AS known
          WHERE known.scope_id = e.scope_id AND known.expires_at_s > ${NOW_S}
            AND known.effective_at_s <= ${NOW_S}) AS present ON true
        WHERE e.expires_at_s > ${NOW_S}
          AND (present.bound_s IS NULL OR present.bound_s < e.bound_s)`,
    )
    .returning({ revocationId: revocations.revocationId });
}

function writtenScopes(tx: PostgresDatabase, revocationIds: readonly string[], isMeant: SQL) {
  return tx
    .select({ scopeId: revocations.scopeId })
    .from(revocations)
    .where(and(inArray(revocations.revocationId, elementsOf(revocationIds)), isMeant));
}

/** By its own end, or by that of its whole tenant. */
function isEndedBy(scopes: ReturnType<typeof writtenScopes>): SQL | undefined {
  return or(inArray(SCOPE_OF_KEY, scopes), inArray(SCOPE_OF_TENANT, scopes));
}
