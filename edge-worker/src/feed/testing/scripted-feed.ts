/**
 * A feed for tests: a publisher with fixed keys, a store whose answers are scripted, and a clock that
 * stands still until it is told to move.
 */

import { encodeEntries, type RevocationEntry } from '@cardea/shared/feed/entry';
import { type FeedHead, HEAD_OBJECT, keysetObject, segmentObject } from '@cardea/shared/feed/head';
import { encodeKeyset, type KeysetKey } from '@cardea/shared/feed/keyset';
import { objectHash } from '@cardea/shared/feed/object-hash';
import type { SealedMacaroonKey } from '@cardea/shared/feed/sealed-key';
import {
  fixedKey,
  headOf,
  keysetKeyOf,
  pinned,
  signHead,
} from '@cardea/shared/feed/testing/feed-fixture';
import type { Result } from '@cardea/shared/result';
import { type UnixMilliseconds, unixMilliseconds, unixSeconds } from '@cardea/shared/time';
import { createEdgeFeed, type EdgeFeedOptions } from '../create-edge-feed.ts';
import type { EdgeFeed, RequestContext, StalePolicy, TrustedSnapshot } from '../edge-feed.ts';
import { type FeedSource, FeedUnreadable } from '../feed-source.ts';

export const START_SECONDS = 1_700_000_000;

export const feedKey = await fixedKey(1);
export const foreignFeedKey = await fixedKey(2);
export const tokenKey = keysetKeyOf(await fixedKey(3));
export const otherTokenKey = keysetKeyOf(await fixedKey(4));

/** What the store does with its next reads; `never` does not settle at all. */
export type Weather = 'fine' | 'failing' | 'timeout' | 'never';

export class ScriptedFeed {
  readonly objects = new Map<string, Uint8Array<ArrayBuffer>>();
  head: string | undefined;
  weather: Weather = 'fine';
  /** Names of the objects read, in order. */
  readonly reads: string[] = [];
  nowSeconds = START_SECONDS;
  /** Runs at the end of each read, as if time had passed or the store had changed meanwhile. */
  afterRead: (() => void) | undefined;

  readonly source: FeedSource = {
    readHead: () => this.#read(HEAD_OBJECT, () => this.head),
    readObject: (name) => this.#read(name, () => this.objects.get(name)?.slice().buffer),
  };

  get now(): UnixMilliseconds {
    return unixMilliseconds(this.nowSeconds * 1000);
  }

  /** Writes a keyset and segments, then a head that names them, stamped now. */
  async publish(content: Published = {}): Promise<FeedHead> {
    const { keys = [tokenKey], sealed = [], segments = [], changes = {} } = content;
    const head = headOf({
      seq: this.nowSeconds * 1000,
      issuedAtSeconds: unixSeconds(this.nowSeconds),
      keysetHash: await this.#write(encodeKeyset(keys, sealed), keysetObject),
      segments: await Promise.all(
        segments.map(async (entries) => ({
          hash: await this.#write(encodeEntries(entries), segmentObject),
          entryCount: entries.length,
          expiresAtSeconds: unixSeconds(this.nowSeconds + 3600),
        })),
      ),
      ...changes,
    });
    this.head = await signHead(content.signer ?? feedKey, head);
    return head;
  }

  async #write(bytes: Uint8Array<ArrayBuffer>, nameOf: (hash: string) => string): Promise<string> {
    const hash = await objectHash(bytes);
    this.objects.set(nameOf(hash), bytes);
    return hash;
  }

  async #read<T>(name: string, answer: () => T): Promise<T> {
    this.reads.push(name);
    if (this.weather === 'failing') throw new FeedUnreadable('read_failed');
    if (this.weather === 'timeout') throw new FeedUnreadable('read_timeout');
    if (this.weather === 'never') return new Promise<never>(() => undefined);
    await undefined;
    this.afterRead?.();
    return answer();
  }
}

/** Timers on the scripted clock: it goes on to the earliest of them when all that was due is done. */
export function timersOf(
  feed: Pick<ScriptedFeed, 'nowSeconds'>,
): (milliseconds: number) => Promise<void> {
  const sleepers: Array<{ readonly at: number; readonly wake: () => void }> = [];
  const goOn = () => {
    sleepers.sort((one, other) => one.at - other.at);
    const next = sleepers.shift();
    if (next === undefined) return;
    feed.nowSeconds = Math.max(feed.nowSeconds, next.at);
    next.wake();
    if (sleepers.length > 0) setTimeout(goOn, 1);
  };
  return (milliseconds) =>
    new Promise((wake) => {
      sleepers.push({ at: feed.nowSeconds + milliseconds / 1000, wake });
      if (sleepers.length === 1) setTimeout(goOn, 1);
    });
}

export interface Published {
  readonly keys?: readonly KeysetKey[];
  readonly sealed?: readonly SealedMacaroonKey[];
  readonly segments?: ReadonlyArray<readonly RevocationEntry[]>;
  readonly changes?: Partial<FeedHead>;
  readonly signer?: typeof feedKey;
}

const feedKeys = await pinned(feedKey);

export function edgeFeedOf(
  feed: Pick<ScriptedFeed, 'source' | 'now'>,
  changes: Partial<EdgeFeedOptions> = {},
): EdgeFeed {
  return createEdgeFeed({
    source: feed.source,
    environmentId: 'test',
    feedKeys,
    hardSeconds: 120,
    clockSkewSeconds: 60,
    clock: () => feed.now,
    ...changes,
  });
}

/** One request now, and what it left to be done in the background. */
export function requestAt(now: UnixMilliseconds): RequestContext & { settle(): Promise<void> } {
  const work: Promise<unknown>[] = [];
  return {
    now,
    waitUntil: (promise) => void work.push(promise),
    settle: async () => void (await Promise.all(work)),
  };
}

export const CLOSED = { openForSeconds: 0 };

/** An edge that has loaded the feed, which is 0 s old. */
export async function loaded(hardSeconds = 120): Promise<ScriptedEdge> {
  const feed = new ScriptedFeed();
  await feed.publish();
  const edge = edgeFeedOf(feed, { hardSeconds });
  const answer = await edge.snapshot(requestAt(feed.now), CLOSED);
  if (!answer.ok) throw new Error(`The feed was refused: ${JSON.stringify(answer.refusal)}`);
  feed.reads.length = 0;
  return { feed, edge };
}

export interface ScriptedEdge {
  readonly feed: ScriptedFeed;
  readonly edge: EdgeFeed;
}

/** Asks once, finishes the background work, and gives the answer. */
export async function ask(
  { feed, edge }: ScriptedEdge,
  stale: StalePolicy = CLOSED,
): Promise<Result<TrustedSnapshot>> {
  const request = requestAt(feed.now);
  const answer = await edge.snapshot(request, stale);
  await request.settle();
  return answer;
}

/** An answer from the snapshot of that head. */
export const fresh = (seq: number) => ({ ok: true, value: { degraded: false, snapshot: { seq } } });
/** What {@link loaded} has. */
export const FIRST = fresh(START_SECONDS * 1000);
