/** From rows of `audit_events`, of either dialect, to audit events. */

import { measureJson } from '@cardea/shared/json/strict-json';
import { JSON_DEPTH_MAX } from '@cardea/shared/limits';
import { unixMilliseconds } from '@cardea/shared/time';
import type { AuditChanges, AuditEvent, AuditOperation } from '../audit/audit-event.ts';
import type { auditEvents } from './schema.d1.ts';

export type AuditRow = typeof auditEvents.$inferSelect;

export function toAuditEvent(row: AuditRow): AuditEvent {
  return {
    eventId: row.eventId,
    tenantId: row.nid,
    time: unixMilliseconds(row.timeMs),
    // Our own rows; what somebody else wrote has no valid MAC and is shown as it is.
    operation: row.operation as AuditOperation,
    targetId: row.targetId,
    caller: {
      kind: row.callerKind,
      id: row.callerId,
      requestId: row.requestId,
      ...(row.callerRole === null ? {} : { role: row.callerRole }),
      ...(row.clientAddress === null ? {} : { clientAddress: row.clientAddress }),
    },
    changes: parseChanges(row.changes),
    mac: row.mac,
    ...(row.position === null ? {} : { position: row.position }),
    ...(row.seal === null ? {} : { seal: row.seal }),
  };
}

/**
 * Text that is no JSON, or is nested deeper than ours, was not written by us: whatever stands in for
 * it, the MAC does not fit it.
 */
function parseChanges(json: string): AuditChanges {
  try {
    return measureJson(json).depth <= DEPTH_MAX ? JSON.parse(json) : UNREADABLE;
  } catch {
    return UNREADABLE;
  }
}

/** What a request may hold, inside the change of one field. */
const DEPTH_MAX = JSON_DEPTH_MAX + 2;
const UNREADABLE: AuditChanges = { unreadable: {} };
