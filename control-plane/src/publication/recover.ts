/**
 * A publisher that starts with empty storage: for the first time, or because it was lost. Before its
 * first head it gathers what earlier heads promised: the live entries of KV's head (they survive a
 * restored database) and every live row of the database (they survive a lost storage). Both must be
 * readable: a head made from less would claim an `iat` that it does not contain.
 */

import type { FeedKeys } from '@cardea/shared/feed/feed-key';
import { verifyHead } from '@cardea/shared/feed/head-signature';
import { secondsOf, type UnixMilliseconds } from '@cardea/shared/time';
import type { Log } from '../log.ts';
import type { FeedStore } from './feed-store.ts';
import type { HubStorage } from './hub-storage.ts';
import { readAllRevocations } from './synchronise.ts';
import type { Truth } from './truth.ts';

export interface Recovery {
  readonly storage: HubStorage;
  readonly feed: FeedStore;
  readonly truth: Truth;
  readonly feedKeys: FeedKeys;
  readonly environmentId: string;
  /** How long an entry of KV's head, whose end is not written there, is kept. */
  readonly entryLivesSeconds: number;
  readonly log: Log;
}

export async function recover(recovery: Recovery, now: UnixMilliseconds): Promise<void> {
  const { storage, truth } = recovery;
  const lowestSeq = await mergePublishedHead(recovery, now);
  await readAllRevocations(storage, truth);
  storage.recovered(lowestSeq);
}

/** Answers the `seq` of the head in KV, 0 if there is none that this publisher's key signed. */
async function mergePublishedHead(recovery: Recovery, now: UnixMilliseconds): Promise<number> {
  const { storage, feed, feedKeys, environmentId, entryLivesSeconds, log } = recovery;
  const text = await feed.readHead();
  if (text === undefined) return 0;
  const head = await verifyHead(text, feedKeys);
  if (!head.ok) {
    // Garbage, or of a former feed key. Whoever can write KV must not be able to stop the feed.
    log('error', 'feed_head_not_merged', { rule: head.refusal.evidence?.rule ?? 'unknown' });
    return 0;
  }
  if (head.value.environmentId !== environmentId) return 0;
  if (head.value.segments.length > 0) throw new TypeError('The feed in KV has segments.');
  const expiresAtSeconds = secondsOf(now) + entryLivesSeconds;
  await storage.takeEntries(head.value.tail.map((entry) => ({ ...entry, expiresAtSeconds })));
  return head.value.seq;
}
