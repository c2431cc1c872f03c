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
