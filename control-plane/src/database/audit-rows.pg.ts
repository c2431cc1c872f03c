/** Writes audit events in the transaction of what they tell of. */

import { sql } from 'drizzle-orm';
import type { NewAuditEvent } from '../audit/audit-event.ts';
import { NOW_MS } from './clock.pg.ts';
import type { PostgresDatabase } from './postgres.ts';
import { auditEvents } from './schema.pg.ts';

/** Inserts the events, in order. The time is the database's. */
export async function insertAuditEvents(
  tx: PostgresDatabase,
  events: readonly NewAuditEvent[],
): Promise<void> {
  const rows = events.map((event) => ({
    event_id: event.eventId,
    nid: event.tenantId,
    operation: event.operation,
    target_id: event.targetId,
    caller_kind: event.caller.kind,
    caller_id: event.caller.id,
    caller_role: event.caller.role ?? null,
    request_id: event.caller.requestId,
    client_address: event.caller.clientAddress ?? null,
    changes: JSON.stringify(event.changes),
    mac: event.mac,
  }));
  // Every column in the order of the schema: drizzle names them so.
  await tx.insert(auditEvents).select(
    sql`SELECT event_id, nid, ${NOW_MS}, operation, target_id, caller_kind, caller_id, caller_role,
        request_id, client_address, changes, mac, NULL::bigint, NULL::text
      FROM json_to_recordset(${JSON.stringify(rows)}::json) AS event(event_id text, nid text,
        operation text, target_id text, caller_kind text, caller_id text, caller_role text,
        request_id text, client_address text, changes text, mac text)`,
  );
}
