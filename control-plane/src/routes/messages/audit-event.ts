/** An audit event as JSON, in lists and in exports, and back again. No I/O. */

import { unixMilliseconds } from '@cardea/shared/time';
import { z } from 'zod';
import type { AuditEvent, AuditOperation, Caller } from '../../audit/audit-event.ts';

const CALLER_KINDS = [
  'bootstrap',
  'admin_credential',
  'admin_jwt',
  'key_holder',
  'system',
] as const satisfies ReadonlyArray<Caller['kind']>;

/** As in an export: read exactly, because MAC and seal are over exactly this. */
export const AuditEventMessage = z.strictObject({
  event_id: z.string().max(64),
  tenant_id: z.string().max(64),
  time: z.iso.datetime({ precision: 3 }),
  operation: z.string().max(64),
  target_id: z.string().max(256),
  caller: z.strictObject({
    kind: z.enum(CALLER_KINDS),
    id: z.string().max(1024),
    role: z.string().max(64).optional(),
    request_id: z.string().max(1024),
    client_address: z.string().max(64).optional(),
  }),
  changes: z.record(
    z.string(),
    z.strictObject({ before: z.unknown().optional(), after: z.unknown().optional() }),
  ),
  mac: z.string().max(64),
  position: z.int().optional(),
  seal: z.string().max(64).optional(),
});

export type AuditEventMessage = z.output<typeof AuditEventMessage>;

/** Members that are `undefined` are left out of JSON. */
export function auditEventMessage(event: AuditEvent): AuditEventMessage {
  const { caller } = event;
  return {
    event_id: event.eventId,
    tenant_id: event.tenantId,
    time: timeText(event.time),
    operation: event.operation,
    target_id: event.targetId,
    caller: {
      kind: caller.kind,
      id: caller.id,
      role: caller.role,
      request_id: caller.requestId,
      client_address: caller.clientAddress,
    },
    changes: event.changes as AuditEventMessage['changes'],
    mac: event.mac,
    position: event.position,
    seal: event.seal,
  };
}

export function auditEventOf(message: AuditEventMessage): AuditEvent {
  const { kind, id, role, request_id: requestId, client_address: clientAddress } = message.caller;
  return {
    eventId: message.event_id,
    tenantId: message.tenant_id,
    time: unixMilliseconds(Date.parse(message.time)),
    operation: message.operation as AuditOperation, // If it is none of ours, its MAC is not either.
    targetId: message.target_id,
    caller: {
      ...{ kind, id, requestId },
      ...(role === undefined ? {} : { role }),
      ...(clientAddress === undefined ? {} : { clientAddress }),
    },
    changes: message.changes as AuditEvent['changes'],
    mac: message.mac,
    ...(message.position === undefined ? {} : { position: message.position }),
    ...(message.seal === undefined ? {} : { seal: message.seal }),
  };
}

/** Always with milliseconds: an export is compared by its text. A time out of range is shown as 0. */
function timeText(time: number): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? new Date(0).toISOString() : date.toISOString();
}
