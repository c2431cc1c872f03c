/**
 * A publisher that does not know whether it has all that earlier heads promised: it starts for the first
 * time, or its storage was lost, or (on Node, where the storage is the database) it begins its term.
 * Before its first head it gathers what they promised: the live entries of KV's head, which survive a
 * restored database, and every live row of the database, which survive a lost storage. Both must be
 * readable: a head made from less would claim an `iat` that it does not contain.
 */

import type { FeedKeys } from '@cardea/shared/feed/feed-key';
import type { FeedHead, SegmentReference } from '@cardea/shared/feed/head';
import { verifyHead } from '@cardea/shared/feed/head-signature';
import { EVERYTHING, formatScopeId, scopeIdOfSigningKey } from '@cardea/shared/feed/scope-id';
import { parseSegment } from '@cardea/shared/feed/segment';
import { secondsOf, type UnixMilliseconds, unixMilliseconds } from '@cardea/shared/time';
import type { Log } from '../log.ts';
import type { FeedStore } from './feed-store/feed-store.ts';
import type { EntriesApart, LiveEntry, PublisherStorage } from './publisher-storage.ts';
import { restoreEntries, restoreSegment } from './restoration.ts';
import { bucketOf, bucketSecondsOf, isOver } from './segments/plan-segments.ts';
import { boundIn } from './segments/segment-content.ts';
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
  readonly clockSkewSeconds: number;
  readonly log: Log;
}

/** A segment that the head in KV names cannot be read. */
class SegmentMissing extends Error {
  override readonly name = 'SegmentMissing';
}

export async function recover(recovery: Recovery, now: UnixMilliseconds): Promise<void> {
  const { storage, truth } = recovery;
  const head = await readPublishedHead(recovery);
  // A store without a head of ours need not have any of the objects that it once confirmed.
  if (head === undefined) await storage.objectsLost();
  // A storage that knows of an earlier head alone may have lost what came after it. (Or its process ended
  // between the write and the note of it: then nothing is lacking.) Numbers that were merely taken tell
  // nothing: a process that was publisher before the restored state may have gone on taking them.
  const isBehind = head !== undefined && head.seq > ((await storage.memory()).publishedSeq ?? 0);
  const { apart } = storage;
  if (apart === undefined) {
    if (isBehind) await writeBack(recovery, head, now);
  } else {
    const adopted = isBehind ? await takeOver(recovery, { apart, head, now }) : [];
    await readAllRevocations(apart, truth, (entry) => !isContained(entry, adopted));
  }
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

/** A segment that the head in KV names, proved by its hash. */
interface PublishedSegment extends SegmentReference {
  readonly content: Uint8Array<ArrayBuffer>;
}

/** One at a time: each may have two megabytes. What is over need not be there any more. */
async function* readSegments(
  { clockSkewSeconds, feed }: Recovery,
  head: FeedHead,
  now: UnixMilliseconds,
): AsyncGenerator<PublishedSegment> {
  for (const reference of head.segments) {
    if (isOver(reference, { stamp: now, clockSkewSeconds })) continue;
    const content = await feed.readSegment(reference.hash);
    const parsed = content === undefined ? undefined : await parseSegment(content, reference);
    if (content === undefined || !parsed?.ok) throw new SegmentMissing();
    yield { ...reference, content };
  }
}

/**
 * Into a database that was restored to an older state, as rows: the control plane refuses by them, too.
 * The end of an entry of the tail is not written in the head.
 */
async function writeBack(recovery: Recovery, head: FeedHead, now: UnixMilliseconds): Promise<void> {
  const { storage, truth, log } = recovery;
  const expiresAtSeconds = secondsOf(now) + recovery.entryLivesSeconds;
  if (head.auditSeal !== undefined) await storage.takeAuditSeal(head.auditSeal);
  const tail = head.tail.map((entry) => ({ ...entry, expiresAtSeconds }));
  let restored = await restoreEntries(truth.restoration, tail);
  for await (const segment of readSegments(recovery, head, now)) {
    restored += await restoreSegment(truth.restoration, segment);
  }
  log('error', 'database_restored', { seq: head.seq, restored });
}

/**
 * Into a storage of the publisher's own that was lost: segments as they are, since the signed head
 * proves them; the tail as entries. Answers the segments.
 */
async function takeOver(
  recovery: Recovery,
  { apart, head, now }: { readonly apart: EntriesApart; head: FeedHead; now: UnixMilliseconds },
): Promise<readonly PublishedSegment[]> {
  const { entryLivesSeconds, feed, storage, truth } = recovery;
  const adopted: PublishedSegment[] = [];
  for await (const segment of readSegments(recovery, head, now)) {
    const { content, entryCount, expiresAtSeconds, hash } = segment;
    const bucket = bucketOf(expiresAtSeconds, bucketSecondsOf(entryLivesSeconds));
    // Edges rely on it already.
    const writtenAt = unixMilliseconds(now - feed.arrivalMilliseconds);
    await apart.adopt({ bucket, content, entryCount, expiresAtSeconds, hash, writtenAt });
    adopted.push(segment);
  }
  const inline = new Set<string>([formatScopeId(EVERYTHING)]);
  for (const { kid } of await truth.signingKeys.listAll()) {
    inline.add(formatScopeId(await scopeIdOfSigningKey(kid)));
  }
  const expiresAtSeconds = secondsOf(now) + entryLivesSeconds;
  const tail = head.tail.map((entry) => {
    const staysInline = inline.has(formatScopeId(entry.scopeId));
    return { ...entry, expiresAtSeconds, staysInline };
  });
  await apart.takeEntries(tail);
  if (head.auditSeal !== undefined) await storage.takeAuditSeal(head.auditSeal);
  return adopted;
}

/** Under a bound as high and an end as late, so that it need not stand in the tail as well. */
function isContained(entry: LiveEntry, segments: readonly PublishedSegment[]): boolean {
  return segments.some(
    ({ content, expiresAtSeconds }) =>
      expiresAtSeconds >= entry.expiresAtSeconds &&
      (boundIn(content, entry.scopeId) ?? -1) >= entry.boundSeconds,
  );
}
