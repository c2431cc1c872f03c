/** Writes back into D1 what it has forgotten. See `publication/restoration`. */

import { FOR_GOOD } from '@cardea/shared/feed/entry';
import { and, eq, inArray, isNull, lt, or, type SQL, sql } from 'drizzle-orm';
import { type DrizzleD1Database, drizzle } from 'drizzle-orm/d1';
import type { RestorationStore } from '../publication/restoration.ts';
import { answered } from './answered.ts';
import { auditInsert } from './audit-rows.d1.ts';
import { NOW_MS, NOW_S } from './clock.d1.ts';
import { lostRow, RESTORED_ROW, SCOPE_OF_KEY, SCOPE_OF_TENANT } from './restoration-rows.ts';
import { apiKeys, publicationMarks, revocations } from './schema.d1.ts';

export function createRestorationStore(database: D1Database): RestorationStore {
  const db = drizzle(database);
  return {
    async mark() {
      const [row] = await answered(db.select().from(publicationMarks));
      return row?.mark ?? 0;
    },

    async moveMark({ from, to }) {
      const isFrom = and(eq(publicationMarks.id, 1), eq(publicationMarks.mark, from));
      const move =
        from === 0
          ? db.insert(publicationMarks).values({ id: 1, mark: to }).onConflictDoNothing()
          : db.update(publicationMarks).set({ mark: to }).where(isFrom);
      return (await answered(move.run())).meta.changes === 1;
    },

    async restore(entries, event) {
      const json = JSON.stringify(entries.map(lostRow));
      // As a rule nothing is, and what follows reads every key.
      const [lacking] = await answered(
        db.all<{ n: number }>(
          sql`SELECT count(*) AS n FROM json_each(${json}) AS e WHERE ${IS_LACKING}`,
        ),
      );
      if (lacking?.n === 0) return 0;
      const changes = {
        updateTimeMs: NOW_MS,
        revision: sql`${apiKeys.revision} + 1`,
        changedBy: event.eventId,
      };
      const isForGood = eq(revocations.boundS, FOR_GOOD);
      const isCutOff = lt(revocations.boundS, FOR_GOOD);
      const [inserted] = await answered(
        db.batch([
          insertLacking(db, json),
          db
            .update(apiKeys)
            .set({ ...changes, state: 'revoked', revocationReason: 'unspecified' })
            .where(and(eq(apiKeys.state, 'active'), isEndedBy(writtenScopes(db, json, isForGood)))),
          db
            .update(apiKeys)
            .set({ ...changes, disableTimeMs: NOW_MS })
            .where(
              and(
                eq(apiKeys.state, 'active'),
                isNull(apiKeys.disableTimeMs),
                inArray(SCOPE_OF_KEY, writtenScopes(db, json, isCutOff)),
              ),
            ),
          auditInsert(db, event, sql`EXISTS ${writtenScopes(db, json)}`),
        ]),
      );
      return inserted.meta.changes;
    },
  };
}

function insertLacking(db: DrizzleD1Database, json: string) {
  const e = (name: string) => sql`e.value ->> ${sql.raw(`'${name}'`)}`;
  // Every column in the order of the schema: drizzle names them so.
  return db.insert(revocations).select(
    sql`SELECT ${e('id')}, ${RESTORED_ROW.nid}, ${RESTORED_ROW.scope}, ${e('scope_id')},
        ${e('bound_s')}, ${RESTORED_ROW.cause}, ${NOW_S}, ${NOW_S}, ${e('expires_at_s')}, 1,
        NULL, NULL, NULL
      FROM json_each(${json}) AS e WHERE ${IS_LACKING}`,
  );
}

/**
 * Each is looked up by its scope: a million of them may be compared. A row that takes effect later (the end of
 * an overlap) does not stand for one that was in effect.
 */
const IS_LACKING = sql`e.value ->> 'expires_at_s' > ${NOW_S} AND e.value ->> 'bound_s' > coalesce(
  (SELECT max(known.bound_s) FROM revocations AS known
    WHERE known.scope_id = e.value ->> 'scope_id' AND known.expires_at_s > ${NOW_S}
      AND known.effective_at_s <= ${NOW_S}), -1)`;

/** Scopes of the rows that this batch has written. */
function writtenScopes(db: DrizzleD1Database, json: string, isMeant?: SQL) {
  const isWritten = sql`${revocations.revocationId} IN
    (SELECT e.value ->> 'id' FROM json_each(${json}) AS e)`;
  return db
    .select({ scopeId: revocations.scopeId })
    .from(revocations)
    .where(and(isWritten, isMeant));
}

/** By its own end, or by that of its whole tenant. */
function isEndedBy(scopes: ReturnType<typeof writtenScopes>): SQL | undefined {
  return or(inArray(SCOPE_OF_KEY, scopes), inArray(SCOPE_OF_TENANT, scopes));
}
