/**
 * A database that was restored to an older state has forgotten revocations that edges still refuse.
 * What the publisher remembers of them is written back, so that the control plane refuses as well.
 *
 * How it is noticed: the publisher moves a mark in the database forward in every cycle. A database that
 * carries another mark than the one it was given is not in the state that the publisher left it in.
 */

import { formatUuid, uuidV4FromRandom } from '@cardea/shared/bytes/uuid';
import type { RandomBytes } from '@cardea/shared/crypto/random';
import { formatScopeId } from '@cardea/shared/feed/scope-id';
import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import type { MakeAuditEvent, NewAuditEvent } from '../audit/audit-event.ts';
import type { EntriesApart, LiveEntry } from './publisher-storage.ts';

/** An entry on its way back, under the id of its new row. */
export interface LostEntry extends LiveEntry {
  readonly revocationId: string;
}

/** The port. Throws `StoreUnavailable`. */
export interface RestorationStore {
  /** 0 if the database has never been given one. */
  mark(): Promise<number>;
  /** Replaces the mark `from` by `to`; `false` if the database carries another one. */
  moveMark(mark: { readonly from: number; readonly to: number }): Promise<boolean>;
  /**
   * Writes the entries that the database lacks as rows of cause `database.restored`, and answers how
   * many they were. A key that one of them names is revoked again, or disabled if the entry is a
   * cut-off: what had happened to it then (disabled, deleted, narrowed) is not to be known. Nobody knows
   * the tenant of a row, so it counts for all. One transaction, with the event if anything was lacking.
   */
  restore(entries: readonly LostEntry[], event: NewAuditEvent): Promise<number>;
}

export interface RestorationMeans {
  readonly store: RestorationStore;
  readonly auditEvent: MakeAuditEvent;
  readonly randomBytes: RandomBytes;
}

/** Entries in one statement: about 120 bytes of parameter each. */
const ENTRIES_MAX = 1000;

/** Answers how many of the entries the database lacked. May be repeated at any point. */
export async function restoreEntries(
  means: RestorationMeans,
  entries: readonly LiveEntry[],
): Promise<number> {
  let restored = 0;
  for (let start = 0; start < entries.length; start += ENTRIES_MAX) {
    const lost = entries
      .slice(start, start + ENTRIES_MAX)
      .map((entry) => ({ ...entry, revocationId: newUuid(means.randomBytes) }));
    restored += await means.store.restore(lost, await eventOf(means));
  }
  return restored;
}

/**
 * Moves the mark on. If the database carries another one it is compared with everything that is live in
 * the publisher's own storage first. Answers how many entries it lacked.
 */
export async function synchroniseMark(
  apart: EntriesApart,
  means: RestorationMeans,
  signal: AbortSignal,
): Promise<number> {
  const known = await apart.mark();
  let restored = 0;
  let to = known + 1;
  if (!(await means.store.moveMark({ from: known, to }))) {
    const present = await means.store.mark();
    restored = await restoreAll(apart, means, signal);
    to = Math.max(known, present) + 1;
    // If it was restored once more in the meantime, the next cycle begins again.
    if (!(await means.store.moveMark({ from: present, to }))) return restored;
  }
  await apart.markMoved(to);
  return restored;
}

async function restoreAll(
  apart: EntriesApart,
  means: RestorationMeans,
  signal: AbortSignal,
): Promise<number> {
  let restored = 0;
  let afterScopeId = '';
  for (;;) {
    const page = await apart.liveEntries({ afterScopeId, count: ENTRIES_MAX });
    restored += await restoreEntries(means, page);
    const last = page.at(-1);
    if (last === undefined || page.length < ENTRIES_MAX) return restored;
    afterScopeId = formatScopeId(last.scopeId);
    signal.throwIfAborted();
  }
}

async function eventOf({ auditEvent }: RestorationMeans): Promise<NewAuditEvent> {
  return auditEvent({
    tenantId: DEFAULT_TENANT_ID,
    operation: 'revocation.restore',
    targetId: '',
    caller: { kind: 'system', id: 'publisher', requestId: '' },
    changes: {},
  });
}

function newUuid(randomBytes: RandomBytes): string {
  return formatUuid(uuidV4FromRandom(randomBytes(16)));
}
