/**
 * Removes audit events that are older than the policy keeps, oldest first, and says so in an event:
 * without it, removed events count as missing.
 */

import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import { type UnixMilliseconds, unixMilliseconds } from '@cardea/shared/time';
import type { AuditEvent, MakeAuditEvent } from './audit-event.ts';
import type { AuditStore } from './store.ts';

export interface AuditPruneParts {
  readonly events: Pick<AuditStore, 'append' | 'sealedFrom' | 'removeBefore'>;
  readonly auditEvent: MakeAuditEvent;
  readonly retentionDays: number;
}

const DAY_MILLISECONDS = 24 * 60 * 60 * 1000;
const PAGE_SIZE = 1000;
/** In one call: a busier log is caught up with in the next ones. */
const PAGES_MAX = 20;
const OPERATION = 'audit_event.prune';

/**
 * Removes old events; answers how many. The newest event always stays. Begins only when the oldest
 * one is a day past its time, so that there is about one event of this kind a day, not one an hour.
 */
export async function pruneAuditEvents(
  { events, auditEvent, retentionDays }: AuditPruneParts,
  now: UnixMilliseconds,
): Promise<number> {
  const keptFrom = unixMilliseconds(now - retentionDays * DAY_MILLISECONDS);
  const [oldest] = await events.sealedFrom(1, 1);
  if (oldest === undefined || oldest.time + DAY_MILLISECONDS > keptFrom) return 0;
  const removal = await findRemoval(events, keptFrom);
  if (removal === undefined) return 0;
  const announcement = await auditEvent({
    ...{ tenantId: DEFAULT_TENANT_ID, operation: OPERATION, targetId: '' },
    caller: { kind: 'system', id: '', requestId: '' },
    changes: {
      first_position: { before: oldest.position, after: removal.position },
      previous_seal: { after: removal.previousSeal },
    },
  });
  await events.append(announcement);
  return events.removeBefore(removal.position, keptFrom);
}

/** Ends before the first event that is young enough: what is left has no holes. */
async function findRemoval(
  events: AuditPruneParts['events'],
  keptFrom: UnixMilliseconds,
): Promise<Removal | undefined> {
  let removal: Removal | undefined;
  let before: AuditEvent | undefined;
  let position = 1;
  for (let pages = 0; pages < PAGES_MAX; pages++) {
    const page = await events.sealedFrom(position, PAGE_SIZE);
    for (const event of page) {
      if (before?.seal !== undefined && event.position !== undefined) {
        removal = { position: event.position, previousSeal: before.seal };
      }
      if (event.time >= keptFrom) return removal;
      before = event;
    }
    if (page.length < PAGE_SIZE) return removal;
    position = (before?.position ?? 0) + 1;
  }
  return removal;
}

/** The first position that is kept, and the seal before it. */
export interface Removal {
  readonly position: number;
  readonly previousSeal: string;
}

/** What an event of this kind says. Whether it is ours, its MAC tells. */
export function readPruneEvent(event: AuditEvent): Removal | undefined {
  if (event.operation !== OPERATION) return undefined;
  const position = event.changes.first_position?.after;
  const previousSeal = event.changes.previous_seal?.after;
  if (typeof position !== 'number' || typeof previousSeal !== 'string') return undefined;
  return { position, previousSeal };
}
