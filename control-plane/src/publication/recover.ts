/**
 * A publisher that does not know whether it has all that earlier heads promised: it starts for the first
 * time, or its storage was lost, or (on Node, where the storage is the database) it begins its term.
 * Before its first head it gathers what they promised: the live entries of KV's head, which survive a
 * restored database, and every live row of the database, which survive a lost storage. Both must be
 * readable: a head made from less would claim an `iat` that it does not contain.
 */

import { entriesIn } from '@cardea/shared/feed/entry-rows';
import type { FeedKeys } from '@cardea/shared/feed/feed-key';
import type { FeedHead } from '@cardea/shared/feed/head';
import { verifyHead } from '@cardea/shared/feed/head-signature';
import { parseSegment } from '@cardea/shared/feed/segment';
import { secondsOf, type UnixMilliseconds } from '@cardea/shared/time';
import type { Log } from '../log.ts';
import type { FeedStore } from './feed-store.ts';
import type { LiveEntry, PublisherStorage } from './publisher-storage.ts';
import { restoreEntries } from './restoration.ts';
import { readAllRevocations } from './synchronise.ts';
import type { Truth } from './truth.ts';

export interface Recovery {
  readonly storage: PublisherStorage;
  readonly feed: FeedStore;
  readonly truth: Truth;
  readonly feedKeys: FeedKeys;
  readonly environmentId: string;
  /** How long an entry of KV's head, whose end is not written there, is kept. */
  readonly entryLivesSeconds: number;
  readonly log: Log;
}

/** A segment that the head in KV names cannot be read. */
class SegmentMissing extends Error {
  override readonly name = 'SegmentMissing';
}

export async function recover(recovery: Recovery, now: UnixMilliseconds): Promise<void> {
  const { storage, truth } = recovery;
  const head = await readPublishedHead(recovery);
  // A storage that is behind the feed has lost what came after it. It never is without a loss: every
  // number is used up in the storage before a head carries it.
  const isBehind = head !== undefined && head.seq > (await storage.memory()).seq;
  if (isBehind) await mergeHead(recovery, head, secondsOf(now) + recovery.entryLivesSeconds);
  if (storage.apart !== undefined) await readAllRevocations(storage.apart, truth);
  await storage.recovered(head?.seq ?? 0);
}

/** The head in KV; `undefined` if there is none of ours. */
async function readPublishedHead(recovery: Recovery): Promise<FeedHead | undefined> {
  const { feed, feedKeys, environmentId, log } = recovery;
  const text = await feed.readHead();
  if (text === undefined) return undefined;
  const head = await verifyHead(text, feedKeys);
  if (!head.ok) {
    // Garbage, or of a former feed key. Whoever can write KV must not be able to stop the feed.
    log('error', 'feed_head_not_merged', { rule: head.refusal.evidence?.rule ?? 'unknown' });
    return undefined;
  }
  return head.value.environmentId === environmentId ? head.value : undefined;
}

async function mergeHead(
  { storage, truth, feed, log }: Recovery,
  head: FeedHead,
  expiresAtSeconds: number,
): Promise<void> {
  const entries: LiveEntry[] = head.tail.map((entry) => ({ ...entry, expiresAtSeconds }));
  for (const reference of head.segments) {
    const bytes = await feed.readSegment(reference.hash);
    const rows = bytes === undefined ? undefined : await parseSegment(bytes, reference);
    if (!rows?.ok) throw new SegmentMissing();
    const end = Math.min(expiresAtSeconds, reference.expiresAtSeconds);
    for (const entry of entriesIn(rows.value)) entries.push({ ...entry, expiresAtSeconds: end });
  }
  if (head.auditSeal !== undefined) await storage.takeAuditSeal(head.auditSeal);
  if (storage.apart !== undefined) return storage.apart.takeEntries(entries);
  const restored = await restoreEntries(truth.restoration, entries);
  log('error', 'database_restored', { seq: head.seq, restored });
}
