/** Audit events in D1. Lists travel as one JSON parameter: D1 allows 100 parameters a statement. */

import type { UnixMilliseconds } from '@cardea/shared/time';
import {
  and,
  asc,
  desc,
  eq,
  gte,
  inArray,
  isNotNull,
  lt,
  or,
  type SQL,
  type SQLWrapper,
  sql,
} from 'drizzle-orm';
import { type DrizzleD1Database, drizzle } from 'drizzle-orm/d1';
import type { AuditEvent, AuditOperation } from '../audit/audit-event.ts';
import type { AuditQuery, AuditStore, Seal } from '../audit/store.ts';
import { answered } from './answered.ts';
import { type AuditRow, toAuditEvent } from './audit-row.ts';
import { auditInsert } from './audit-rows.d1.ts';
import { NOW_MS } from './clock.d1.ts';
import { auditEvents } from './schema.d1.ts';

/** What the limit of `append` counts over. */
const MINUTE_MILLISECONDS = 60_000;

export function createAuditStore(database: D1Database): AuditStore {
  const db = drizzle(database);
  const read = async (query: PromiseLike<AuditRow[]>): Promise<readonly AuditEvent[]> =>
    (await answered(query)).map(toAuditEvent);
  return {
    async append(event, limit) {
      const { tenantId, operation } = event;
      const guard = limit === undefined ? sql`1` : isBelow(limit.perMinuteMax, tenantId, operation);
      const appended = await answered(auditInsert(db, event, guard).run());
      return appended.meta.changes === 1 ? 'appended' : 'over_limit';
    },

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
          .where(sql`${auditEvents.position} IS NULL`)
          // The signs keep SQLite on the index over `position`: few rows have none.
          .orderBy(sql`+${auditEvents.timeMs}`, sql`+${auditEvents.eventId}`)
          .limit(count),
      ),

    async lastSealed() {
      const isSealed = isNotNull(auditEvents.position);
      const newest = desc(auditEvents.position);
      const [row] = await answered(
        db.select().from(auditEvents).where(isSealed).orderBy(newest).limit(1),
      );
      return row === undefined ? undefined : toAuditEvent(row);
    },

    seal: (seals) => seal(database, seals),

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
      return (await answered(db.delete(auditEvents).where(isBefore).run())).meta.changes;
    },
  };
}

function isBelow(perMinuteMax: number, tenantId: string, operation: AuditOperation): SQL {
  const isRecent = sql`${auditEvents.timeMs} > ${NOW_MS} - ${MINUTE_MILLISECONDS}`;
  const isSame = and(eq(auditEvents.nid, tenantId), eq(auditEvents.operation, operation), isRecent);
  return sql`(SELECT count(*) FROM ${auditEvents} WHERE ${isSame}) < ${perMinuteMax}`;
}

/** One row more than the page: whether there are more. */
function selectPage(db: DrizzleD1Database, query: AuditQuery): PromiseLike<AuditRow[]> {
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

/**
 * One statement: SQLite reads all that its conditions ask about before it changes a row, so either
 * every event is unsealed and every position free, or nothing happens.
 */
async function seal(database: D1Database, seals: readonly Seal[]): Promise<'sealed' | 'conflict'> {
  const statement = database
    .prepare(
      `WITH seals AS MATERIALIZED (
         SELECT value ->> 'eventId' AS event_id, value ->> 'position' AS position,
           value ->> 'seal' AS seal FROM json_each(?1))
       UPDATE audit_events SET position = seals.position, seal = seals.seal FROM seals
       WHERE audit_events.event_id = seals.event_id
         AND ?2 = (SELECT count(*) FROM audit_events AS free
           WHERE free.position IS NULL AND free.event_id IN (SELECT event_id FROM seals))
         AND NOT EXISTS (SELECT 1 FROM audit_events AS taken
           WHERE taken.position IN (SELECT position FROM seals))`,
    )
    .bind(JSON.stringify(seals), seals.length);
  const sealed = await answered(statement.run());
  return sealed.meta.changes === seals.length ? 'sealed' : 'conflict';
}

function elementsOf(texts: readonly string[]): SQLWrapper {
  return sql`(SELECT value FROM json_each(${JSON.stringify(texts)}))`;
}
