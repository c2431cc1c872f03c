/** Writes audit events in the batch of what they tell of. */

import { type SQL, sql } from 'drizzle-orm';
import type { DrizzleD1Database } from 'drizzle-orm/d1';
import type { NewAuditEvent } from '../audit/audit-event.ts';
import { NOW_MS } from './clock.d1.ts';
import { auditEvents } from './schema.d1.ts';

/**
 * A statement for a batch: inserts the event if `guard` holds, which says that the change happened in
 * this same batch. The time is the database's.
 */
export function auditInsert(db: DrizzleD1Database, event: NewAuditEvent, guard: SQL) {
  const { caller } = event;
  // Every column in the order of the schema: drizzle names them so.
  return db.insert(auditEvents).select(
    sql`SELECT ${event.eventId}, ${event.tenantId}, ${NOW_MS}, ${event.operation},
      ${event.targetId}, ${caller.kind}, ${caller.id}, ${caller.role ?? null},
      ${caller.requestId}, ${caller.clientAddress ?? null}, ${JSON.stringify(event.changes)},
      ${event.mac}, NULL, NULL WHERE ${guard}`,
  );
}

/**
 * The same for many events, each inserted if `guardOf` holds for it: the guard is given an SQL
 * expression of a JSON object with `event_id`, `nid` and `target_id`.
 */
export function auditInsertEach(
  db: DrizzleD1Database,
  events: readonly NewAuditEvent[],
  guardOf: (item: SQL) => SQL,
) {
  const item = sql`e.value`;
  const rows = events.map(({ caller, ...event }) => ({
    ...{ event_id: event.eventId, nid: event.tenantId, operation: event.operation },
    ...{ target_id: event.targetId, caller_kind: caller.kind, caller_id: caller.id },
    ...{ caller_role: caller.role, request_id: caller.requestId },
    ...{ client_address: caller.clientAddress, mac: event.mac },
    changes: JSON.stringify(event.changes),
  }));
  return db.insert(auditEvents).select(
    sql`SELECT ${item} ->> 'event_id', ${item} ->> 'nid', ${NOW_MS}, ${item} ->> 'operation',
        ${item} ->> 'target_id', ${item} ->> 'caller_kind', ${item} ->> 'caller_id',
        ${item} ->> 'caller_role', ${item} ->> 'request_id', ${item} ->> 'client_address',
        ${item} ->> 'changes', ${item} ->> 'mac', NULL, NULL
      FROM json_each(${JSON.stringify(rows)}) AS e WHERE ${guardOf(item)}`,
  );
}
