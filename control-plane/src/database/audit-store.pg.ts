/** Audit events in PostgreSQL. */

import type { UnixMilliseconds } from '@cardea/shared/time';
import {
  and,
  asc,
  count,
  desc,
  eq,
  gt,
  gte,
  inArray,
  isNotNull,
  isNull,
  lt,
  or,
  type SQL,
  sql,
} from 'drizzle-orm';
import type { AuditEvent, NewAuditEvent } from '../audit/audit-event.ts';
import type { AuditQuery, AuditStore, Seal } from '../audit/store.ts';
import { answered, inTransaction, undo } from './answered.pg.ts';
import { type AuditRow, toAuditEvent } from './audit-row.ts';
import { insertAuditEvents } from './audit-rows.pg.ts';
import { NOW_MS } from './clock.pg.ts';
import type { PostgresDatabase } from './postgres.ts';
import { elementsOf } from './revocation-store.pg.ts';
import { auditEvents } from './schema.pg.ts';

/** What the limit of `append` counts over. */
const MINUTE_MILLISECONDS = 60_000;

export function createAuditStore(db: PostgresDatabase): AuditStore {
  const read = async (query: PromiseLike<AuditRow[]>): Promise<readonly AuditEvent[]> =>
    (await answered(query)).map(toAuditEvent);
  return {
    append: (event, limit) => inTransaction(db, (tx) => append(tx, event, limit?.perMinuteMax)),

    findMany: (eventIds) =>
      read(
        db
          .select()
          .from(auditEvents)
          .where(inArray(auditEvents.eventId, elementsOf(eventIds))),
      ),

    async list(query) {
      const rows = await answered(selectPage(db, query));
      const hasMore = rows.length > query.pageSize;
      return { events: rows.slice(0, query.pageSize).map(toAuditEvent), hasMore };
    },

    unsealed: (count) =>
      read(
        db
          .select()
          .from(auditEvents)
          .where(isNull(auditEvents.position))
          .orderBy(asc(auditEvents.timeMs), asc(auditEvents.eventId))
          .limit(count),
      ),

    async lastSealed() {
      const isSealed = isNotNull(auditEvents.position);
      const newest = desc(auditEvents.position);
      const [event] = await read(
        db.select().from(auditEvents).where(isSealed).orderBy(newest).limit(1),
      );
      return event;
    },

    seal: (seals) => inTransaction(db, (tx) => seal(tx, seals)),

    sealedFrom: (position, count) =>
      read(
        db
          .select()
          .from(auditEvents)
          .where(gte(auditEvents.position, position))
          .orderBy(asc(auditEvents.position))
          .limit(count),
      ),

    async removeBefore(position, time) {
      const isBefore = and(lt(auditEvents.position, position), lt(auditEvents.timeMs, time));
      const removed = db.delete(auditEvents).where(isBefore).returning({ id: auditEvents.eventId });
      return (await answered(removed)).length;
    },
  };
}

/** With a limit nobody else counts the same events until the transaction ends. */
async function append(
  tx: PostgresDatabase,
  event: NewAuditEvent,
  perMinuteMax: number | undefined,
): Promise<'appended' | 'over_limit'> {
  if (perMinuteMax !== undefined) {
    const { tenantId, operation } = event;
    const name = `cardea/audit/${tenantId}/${operation}`;
    await tx.execute(sql`SELECT pg_advisory_xact_lock(hashtextextended(${name}, 0))`);
    const isCounted = and(
      eq(auditEvents.nid, tenantId),
      eq(auditEvents.operation, operation),
      gt(auditEvents.timeMs, sql`${NOW_MS} - ${MINUTE_MILLISECONDS}`),
    );
    const [row] = await tx.select({ events: count() }).from(auditEvents).where(isCounted);
    if ((row?.events ?? 0) >= perMinuteMax) return 'over_limit';
  }
  await insertAuditEvents(tx, [event]);
  return 'appended';
}

/** One row more than the page: whether there are more. */
function selectPage(db: PostgresDatabase, query: AuditQuery): PromiseLike<AuditRow[]> {
  return db
    .select()
    .from(auditEvents)
    .where(
      and(
        when(query.tenantId, (tenantId) => eq(auditEvents.nid, tenantId)),
        when(query.operation, (operation) => eq(auditEvents.operation, operation)),
        when(query.targetId, (targetId) => eq(auditEvents.targetId, targetId)),
        when(query.callerId, (callerId) => eq(auditEvents.callerId, callerId)),
        when(query.since, (since) => gte(auditEvents.timeMs, since)),
        when(query.until, (until) => lt(auditEvents.timeMs, until)),
        when(query.after, ({ time, eventId }) => isAfter(time, eventId)),
      ),
    )
    .orderBy(desc(auditEvents.timeMs), desc(auditEvents.eventId))
    .limit(query.pageSize + 1);
}

function when<T>(value: T | undefined, condition: (value: T) => SQL | undefined): SQL | undefined {
  return value === undefined ? undefined : condition(value);
}

/** Newest first: what comes after is older. */
function isAfter(time: UnixMilliseconds, eventId: string): SQL | undefined {
  const isSameTime = eq(auditEvents.timeMs, time);
  return or(lt(auditEvents.timeMs, time), and(isSameTime, lt(auditEvents.eventId, eventId)));
}

/** The rows are locked first; a position that somebody else takes meanwhile is found by its index. */
async function seal(tx: PostgresDatabase, seals: readonly Seal[]): Promise<'sealed' | 'conflict'> {
  const positions = JSON.stringify(seals.map(({ position }) => position));
  const taken = await tx
    .select({ position: auditEvents.position })
    .from(auditEvents)
    .where(
      inArray(
        auditEvents.position,
        sql`(SELECT value::text::bigint
      FROM json_array_elements(${positions}::json))`,
      ),
    )
    .limit(1);
  if (taken.length > 0) return 'conflict';
  const sealed = await tx
    .update(auditEvents)
    .set({ position: sql`seals.position`, seal: sql`seals.seal` })
    .from(sql`json_to_recordset(${JSON.stringify(seals)}::json)
      AS seals("eventId" text, position bigint, seal text)`)
    .where(and(eq(auditEvents.eventId, sql`seals."eventId"`), isNull(auditEvents.position)))
    .returning({ eventId: auditEvents.eventId });
  if (sealed.length < seals.length) undo('conflict');
  return 'sealed';
}
