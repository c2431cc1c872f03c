/**
 * A database that was restored to an older state has forgotten revocations that edges still refuse.
 * What the publisher remembers of them is written back, so that the control plane refuses as well.
 *
 * How it is noticed: in every cycle the publisher gives the database a new mark, a random number. A database
 * that carries another one than it was given last is not in the state that the publisher left it in, and
 * is compared with everything. One that carries it descends from the state that it was given in, and
 * that one had all that the publisher had taken before: such a database can only lack what was taken
 * since. So that is compared in every cycle, after the mark has moved.
 */

import { formatUuid, uuidV4FromRandom } from '@cardea/shared/bytes/uuid';
import type { RandomBytes } from '@cardea/shared/crypto/random';
import { formatScopeId, parseScopeId, type ScopeId } from '@cardea/shared/feed/scope-id';
import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import type { MakeAuditEvent, NewAuditEvent } from '../audit/audit-event.ts';
import type {
  EntriesApart,
  LiveEntry,
  PublisherStorage,
  RestorationProgress,
  SegmentStorage,
} from './publisher-storage.ts';
import { entriesAfter } from './segments/segment-content.ts';

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

/** The same for a segment, page by page: its entries are never in memory all at once. */
export async function restoreSegment(
  means: RestorationMeans,
  {
    content,
    expiresAtSeconds,
  }: { readonly content: Uint8Array; readonly expiresAtSeconds: number },
): Promise<number> {
  let restored = 0;
  let afterScopeId: ScopeId | undefined;
  for (;;) {
    const page = entriesAfter(content, { afterScopeId, count: ENTRIES_MAX });
    const entries = page.map((entry) => ({ ...entry, expiresAtSeconds }));
    restored += await restoreEntries(means, entries);
    afterScopeId = page.at(-1)?.scopeId;
    if (afterScopeId === undefined || page.length < ENTRIES_MAX) return restored;
  }
}

/**
 * Gives the database a new mark. If it carries another one than it should, it is compared with everything
 * that is live in the publisher's own storage first; that may take several cycles. Answers how many
 * entries it lacked.
 */
export async function synchroniseMark(
  storage: PublisherStorage,
  means: RestorationMeans,
  signal: AbortSignal,
): Promise<number> {
  const { apart, segments } = storage;
  if (apart === undefined) return 0;
  const comparison = { apart, segments, means, signal };
  const known = await apart.mark();
  // What is taken from here on may have been committed after the mark has moved.
  const last = await apart.lastTaken();
  const to = newMark(means.randomBytes);
  let restored = 0;
  if (known === 0 || !(await means.store.moveMark({ from: known, to }))) {
    const compared = await restoreAll(comparison);
    restored = compared.restored;
    // If it was restored once more in the meantime, the next cycle begins again.
    if (!(await means.store.moveMark({ from: compared.mark, to }))) return restored;
  }
  await apart.markMoved(to);
  return restored + (await restoreTaken(comparison, last));
}

/** Never 0. Random, so that no two states of the database carry the same one by chance. */
function newMark(randomBytes: RandomBytes): number {
  return randomBytes(6).reduce((mark, byte) => mark * 256 + byte, 0) + 1;
}

interface Comparison {
  readonly apart: EntriesApart;
  readonly segments: SegmentStorage;
  readonly means: RestorationMeans;
  readonly signal: AbortSignal;
}

/** What the database has is not looked for again; what it lacked is, until it is found there. */
async function restoreTaken({ apart, means, signal }: Comparison, last: number): Promise<number> {
  let restored = 0;
  let after = 0;
  for (;;) {
    const page = await apart.takenEntries({ after, last, count: ENTRIES_MAX });
    const [first, end] = [page.at(0), page.at(-1)];
    if (first === undefined || end === undefined) return restored;
    const lacked = await restoreEntries(means, page);
    signal.throwIfAborted();
    if (lacked === 0) await apart.entriesFound({ from: first.number, to: end.number });
    restored += lacked;
    after = end.number;
  }
}

/** Goes on where it was interrupted, if the database still is the one that it had begun with. */
async function restoreAll(comparison: Comparison): Promise<RestorationProgress> {
  const { apart, means, signal } = comparison;
  const known = await apart.restorationProgress();
  const present = await means.store.mark();
  let progress = known?.mark === present ? known : await beginComparison(comparison, present);
  for (;;) {
    const page = await nextPage(comparison, progress);
    if (page === undefined) break;
    const restored = progress.restored + (await restoreEntries(means, page.entries));
    const last = page.entries.at(-1);
    progress =
      last === undefined || page.entries.length < ENTRIES_MAX
        ? { ...progress, compared: [...progress.compared, page.run], afterScopeId: '', restored }
        : { ...progress, afterScopeId: formatScopeId(last.scopeId), restored };
    await apart.restorationWent(progress);
    signal.throwIfAborted();
  }
  return progress;
}

/** Under a mark of its own: a database that is restored to the same state once more does not carry it. */
async function beginComparison(
  { apart, means }: Comparison,
  present: number,
): Promise<RestorationProgress> {
  const mark = newMark(means.randomBytes);
  const progress = { mark, compared: [], afterScopeId: '', restored: 0 };
  await apart.restorationWent(progress);
  await means.store.moveMark({ from: present, to: mark });
  return progress;
}

interface Page {
  /** A segment's hash, or {@link TAIL}. */
  readonly run: string;
  readonly entries: readonly LiveEntry[];
}

const TAIL = 'tail';

/** Of the segments and then of the tail: what leaves the tail meanwhile is in a segment not compared yet. */
async function nextPage(
  { apart, segments }: Comparison,
  { compared, afterScopeId }: RestorationProgress,
): Promise<Page | undefined> {
  const present = await segments.present();
  const segment = present.find(({ hash }) => !compared.includes(hash));
  const page = { afterScopeId, count: ENTRIES_MAX };
  if (segment === undefined) {
    if (compared.includes(TAIL)) return undefined;
    return { run: TAIL, entries: await apart.tailEntries(page) };
  }
  const { hash: run, expiresAtSeconds } = segment;
  // One that was removed meanwhile was a part of another.
  const content = (await segments.content(run)) ?? new Uint8Array(0);
  const entries = entriesAfter(content, { ...page, afterScopeId: parseScopeId(afterScopeId) });
  return { run, entries: entries.map((entry) => ({ ...entry, expiresAtSeconds })) };
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
