/**
 * What the single writer does beside publishing, at most once an hour: removes rows that are over, and
 * brings secrets under the current master secret. Every step may be repeated, and none waits for
 * another to succeed.
 */

import type { UnixMilliseconds } from '@cardea/shared/time';
import type { MakeAuditEvent } from '../audit/audit-event.ts';
import { type AuditPruneParts, pruneAuditEvents } from '../audit/prune-events.ts';
import type { Clock } from '../clock.ts';
import type { ControlPlaneConfig } from '../config.ts';
import type { Log } from '../log.ts';
import { type ResealParts, resealSecrets } from './reseal-secrets.ts';
import type { Outlived, UpkeepStore } from './store.ts';

export interface UpkeepParts extends ResealParts {
  readonly store: UpkeepStore;
  readonly auditEvents: AuditPruneParts['events'];
  readonly auditEvent: MakeAuditEvent;
  readonly config: Pick<ControlPlaneConfig, 'keyRetentionDays' | 'auditRetentionDays'>;
  readonly schedule: UpkeepSchedule;
  readonly clock: Clock;
  readonly log: Log;
}

/** When the last upkeep began: of this process, or in storage that outlives it. */
export interface UpkeepSchedule {
  lastBegan(): Promise<number | undefined>;
  began(at: number): Promise<void>;
}

/** For a process that lives long: it begins with an upkeep. */
export function createMemorySchedule(): UpkeepSchedule {
  let last: number | undefined;
  return {
    lastBegan: async () => last,
    began: async (at) => {
      last = at;
    },
  };
}

export interface Upkeep {
  /** Does what is due. Never throws for an outage: the next hour tries again. */
  runIfDue(): Promise<void>;
}

const HOUR_MILLISECONDS = 60 * 60 * 1000;
const DAY_SECONDS = 24 * 60 * 60;
const ROWS_MAX = 500;
/** Statements for one kind of row: a large backlog takes several hours, and never the database. */
const ROUNDS_MAX = 20;

/** A replay of a request must find its answer for a day (Talos's), and its key as long. */
const REQUEST_KEPT_SECONDS = DAY_SECONDS;
/** Longer than clocks of edges and of publishers are apart. */
const REVOCATION_KEPT_SECONDS = 60 * 60;
const ADMIN_CREDENTIAL_KEPT_SECONDS = 30 * DAY_SECONDS;

export function createUpkeep(parts: UpkeepParts): Upkeep {
  let isRunning = false;
  let hasResealed = false;
  const run = async () => {
    const now = parts.clock.now();
    const last = await parts.schedule.lastBegan();
    const isDue = last === undefined || last > now || now - last >= HOUR_MILLISECONDS;
    // A secret that was replaced a moment ago does not wait for the hour: a restart came with it.
    if (isDue || !hasResealed) {
      await attempt(parts, 'secrets', () => reseal(parts, isDue));
      hasResealed = true;
    }
    if (!isDue) return;
    await parts.schedule.began(now);
    for (const [what, overForSeconds] of outlivedRows(parts)) {
      await attempt(parts, what, () => removeOutlived(parts, what, overForSeconds));
    }
    await attempt(parts, 'audit_events', () => removeAuditEvents(parts, now));
  };
  return {
    async runIfDue() {
      if (isRunning) return;
      isRunning = true;
      await attempt(parts, 'schedule', run);
      isRunning = false;
    },
  };
}

async function attempt(
  { log }: UpkeepParts,
  step: string,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    log('error', 'upkeep_failed', { step, error: nameOf(error) });
  }
}

async function reseal(parts: UpkeepParts, isDue: boolean): Promise<void> {
  const { log } = parts;
  const counts = await resealSecrets(parts);
  if (counts === undefined) return;
  const { resealed, unreadable } = counts;
  if (unreadable > 0) log('error', 'secrets_unreadable', { count: unreadable });
  else if (isDue || resealed > 0) log('info', 'retired_secrets_hold_nothing', { resealed });
}

async function removeAuditEvents(
  { auditEvents: events, auditEvent, config, log }: UpkeepParts,
  now: UnixMilliseconds,
): Promise<void> {
  const retentionDays = config.auditRetentionDays;
  const count = await pruneAuditEvents({ events, auditEvent, retentionDays }, now);
  if (count > 0) log('info', 'rows_removed', { what: 'audit_events', count });
}

/** Answers to requests before keys: no answer outlives the key that it names. */
function outlivedRows({ config }: UpkeepParts): ReadonlyArray<[Outlived, number]> {
  return [
    ['idempotent_requests', REQUEST_KEPT_SECONDS],
    ['api_keys', config.keyRetentionDays * DAY_SECONDS],
    ['revocations', REVOCATION_KEPT_SECONDS],
    ['replaced_macaroon_keys', REVOCATION_KEPT_SECONDS],
    ['admin_credentials', ADMIN_CREDENTIAL_KEPT_SECONDS],
  ];
}

async function removeOutlived(
  { store, log }: UpkeepParts,
  what: Outlived,
  overForSeconds: number,
): Promise<void> {
  let count = 0;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const removed = await store.removeOutlived(what, { overForSeconds, rowsMax: ROWS_MAX });
    count += removed;
    if (removed < ROWS_MAX) break;
  }
  if (count > 0) log('info', 'rows_removed', { what, count });
}

/** Names only: a message may quote what it failed on. */
function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'unknown';
}
