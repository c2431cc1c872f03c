/** Segments, and a feed with more of them than one request should pay for. */

import { encodeEntries } from '@cardea/shared/feed/entry';
import { HEAD_OBJECT, segmentObject } from '@cardea/shared/feed/head';
import { objectHash } from '@cardea/shared/feed/object-hash';
import type { ScopeId } from '@cardea/shared/feed/scope-id';
import { entry } from '@cardea/shared/feed/testing/feed-fixture';
import { type Result, refuse } from '@cardea/shared/result';
import { describe, expect, test } from 'vitest';
import type { TrustedSnapshot } from './edge-feed.ts';
import {
  ask,
  CLOSED,
  edgeFeedOf,
  FIRST,
  fresh,
  loaded,
  requestAt,
  ScriptedFeed,
  timersOf,
} from './testing/scripted-feed.ts';

describe('segments', () => {
  test('count like the tail, the highest bound wins, and each is read once', async () => {
    const feed = new ScriptedFeed();
    const segments = [[entry(1, 1, 5), entry(2, 2)], [entry(1, 1, 9)]];
    await feed.publish({ segments, changes: { tail: [entry(3, 3), entry(4, 4)] } });
    const edge = edgeFeedOf(feed);
    const answer = await edge.snapshot(requestAt(feed.now), CLOSED);
    const table = answer.ok ? answer.value.snapshot.revocations : undefined;
    expect(table?.boundOf({ high: 1, low: 1 })).toBe(9);
    expect(table?.boundOf({ high: 2, low: 2 })).toBe(0xffffffff);
    expect(table?.boundOf({ high: 3, low: 3 })).toBe(0xffffffff);
    expect(table?.boundOf({ high: 5, low: 5 })).toBeUndefined();
    expect(table?.size).toBe(5); // Three in the segments, two in the tail.
    feed.nowSeconds += 10;
    feed.reads.length = 0;
    await feed.publish({ segments: [...segments, [entry(6, 6)]] });
    await ask({ feed, edge });
    expect(feed.reads).toHaveLength(2);
    const next = edge.snapshot(requestAt(feed.now), CLOSED);
    const grown = 'ok' in next && next.ok ? next.value.snapshot.revocations : undefined;
    expect(grown?.size).toBe(4);
    expect(grown?.boundOf({ high: 6, low: 6 })).toBe(0xffffffff);
    expect(grown?.boundOf({ high: 3, low: 3 })).toBeUndefined();
  });
});

describe('a feed with more segments than one request should pay for', () => {
  const SEGMENTS = [1, 2, 3, 4, 5].map((n) => [entry(n, 1), entry(n, 2)]);
  /** Two entries a portion: one segment. */
  const IN_PORTIONS = { portionEntriesMax: 2 };
  const SEGMENT = /^v1\/segment/;
  const loading = refuse('feed_stale', { rule: 'segments_loading' });

  /** An isolate that has loaded nothing. */
  async function cold({ hasTimers = false } = {}) {
    const feed = new ScriptedFeed();
    await feed.publish({ segments: SEGMENTS });
    const sleep = timersOf(feed);
    const edge = edgeFeedOf(feed, { ...IN_PORTIONS, ...(hasTimers ? { pause: sleep } : {}) });
    return { feed, edge, sleep };
  }
  const segmentsRead = (feed: ScriptedFeed) => feed.reads.filter((name) => SEGMENT.test(name));
  const isWhole = (result: Result<TrustedSnapshot>) =>
    result.ok && SEGMENTS.flat().every(({ scopeId }) => hasBound(result.value, scopeId));
  const hasBound = ({ snapshot }: TrustedSnapshot, scopeId: ScopeId) =>
    snapshot.revocations.boundOf(scopeId) !== undefined;

  test('is loaded by one request for the head and five for a segment each; the last is answered', async () => {
    const both = await cold();
    for (let n = 0; n < 5; n++) {
      expect(await ask(both)).toEqual(loading);
      expect(segmentsRead(both.feed)).toHaveLength(n);
    }
    expect(isWhole(await ask(both))).toBe(true);
    expect(new Set(segmentsRead(both.feed)).size).toBe(5);
    expect(segmentsRead(both.feed)).toHaveLength(5);
  });

  test('takes as many segments at once as fit the portion', async () => {
    const feed = new ScriptedFeed();
    await feed.publish({ segments: SEGMENTS });
    const edge = edgeFeedOf(feed, { portionEntriesMax: 5 });
    expect(await ask({ feed, edge })).toEqual(loading);
    expect(await ask({ feed, edge })).toEqual(loading);
    expect(segmentsRead(feed)).toHaveLength(2);
    expect(await ask({ feed, edge })).toEqual(loading);
    expect(isWhole(await ask({ feed, edge }))).toBe(true);
  });

  test('requests that come together share the work, and all are answered', async () => {
    const { feed, edge } = await cold({ hasTimers: true });
    const contexts = Array.from({ length: 8 }, () => requestAt(feed.now));
    const answers = await Promise.all(contexts.map((it) => edge.snapshot(it, CLOSED)));
    expect(answers.map(isWhole)).toEqual(Array(8).fill(true));
    expect(segmentsRead(feed)).toHaveLength(5);
  });

  test('a request that is alone is refused soon: it does not pay for the others', async () => {
    const { feed, edge } = await cold({ hasTimers: true });
    const startedAt = feed.nowSeconds;
    expect(await ask({ feed, edge })).toEqual(loading);
    expect(segmentsRead(feed)).toHaveLength(0);
    expect(feed.nowSeconds - startedAt).toBeCloseTo(0.05, 3);
  });

  test('one that has done its part waits for as long as others come and go on', async () => {
    const { feed, edge, sleep } = await cold({ hasTimers: true });
    const startedAt = feed.nowSeconds;
    const first = ask({ feed, edge });
    for (let n = 0; n < 4; n++) {
      await sleep(40); // Less than the first one's patience, more than one that finds nobody at it.
      void ask({ feed, edge });
    }
    await sleep(40);
    expect(isWhole(await ask({ feed, edge }))).toBe(true);
    expect(isWhole(await first)).toBe(true);
    expect(feed.nowSeconds - startedAt).toBeLessThan(0.3);
  });

  test('a request that is alone loads it whole where that is allowed, with breaks', async () => {
    const feed = new ScriptedFeed();
    await feed.publish({ segments: SEGMENTS });
    const pause = () => new Promise<void>((resolve) => setTimeout(resolve, 1));
    const edge = edgeFeedOf(feed, { ...IN_PORTIONS, pause, loadsAlone: true });
    expect(isWhole(await ask({ feed, edge }))).toBe(true);
    expect(segmentsRead(feed)).toHaveLength(5);
  });

  test('an edge with a fresh snapshot answers from that until the last segment is there', async () => {
    const both = await loaded();
    const edge = edgeFeedOf(both.feed, IN_PORTIONS);
    expect(await ask({ feed: both.feed, edge })).toMatchObject(FIRST);
    both.feed.nowSeconds += 10;
    const { seq } = await both.feed.publish({ segments: SEGMENTS });
    // One request a portion, at once, without waiting for the next refresh to be due.
    for (let n = 0; n < 6; n++) expect(await ask({ feed: both.feed, edge })).toMatchObject(FIRST);
    const answer = await ask({ feed: both.feed, edge });
    expect(answer).toMatchObject(fresh(seq));
    expect(isWhole(answer)).toBe(true);
  });

  test('a stale edge refuses until the last segment is there', async () => {
    const { feed } = await loaded();
    const edge = edgeFeedOf(feed, IN_PORTIONS);
    expect(await ask({ feed, edge })).toMatchObject(FIRST);
    feed.nowSeconds += 500;
    await feed.publish({ segments: SEGMENTS });
    for (let n = 0; n < 5; n++) expect(await ask({ feed, edge })).toEqual(loading);
    expect(isWhole(await ask({ feed, edge }))).toBe(true);
  });

  test('a newer head keeps what it still names of the one before', async () => {
    const both = await cold();
    for (let n = 0; n < 3; n++) expect(await ask(both)).toEqual(loading);
    both.feed.nowSeconds += 10;
    const { seq } = await both.feed.publish({ segments: [...SEGMENTS.slice(1), [entry(9, 9)]] });
    for (let n = 0; n < 3; n++) expect(await ask(both)).toEqual(loading);
    const answer = await ask(both);
    expect(answer).toMatchObject(fresh(seq));
    const table = answer.ok ? answer.value.snapshot.revocations : undefined;
    expect(table?.boundOf({ high: 1, low: 1 })).toBeUndefined();
    expect(table?.boundOf({ high: 9, low: 9 })).toBe(0xffffffff);
    expect(segmentsRead(both.feed)).toHaveLength(6);
  });

  test('a head that is stamped anew between any two requests does not begin it again', async () => {
    const both = await cold();
    for (let n = 0; n < 5; n++) {
      expect(await ask(both)).toEqual(loading);
      both.feed.nowSeconds += 10;
      await both.feed.publish({ segments: SEGMENTS });
    }
    expect(isWhole(await ask(both))).toBe(true);
  });

  test('the head is not read again for each portion', async () => {
    const both = await cold();
    for (let n = 0; n < 5; n++) await ask(both);
    expect(isWhole(await ask(both))).toBe(true);
    expect(both.feed.reads.filter((name) => name === HEAD_OBJECT)).toHaveLength(1);
  });

  test('a request that is cancelled at its portion stops nobody', async () => {
    const both = await cold();
    expect(await ask(both)).toEqual(loading);
    expect(await ask(both)).toEqual(loading);
    both.feed.weather = 'never';
    void both.edge.snapshot(requestAt(both.feed.now), CLOSED);
    both.feed.weather = 'fine';
    expect(await ask(both)).toEqual(loading);
    both.feed.nowSeconds += 2;
    for (let n = 0; n < 3; n++) expect(await ask(both)).toEqual(loading);
    expect(isWhole(await ask(both))).toBe(true);
  });

  test.each([
    [
      'is missing',
      'segment_missing',
      'feed_stale',
      (objects: Map<string, unknown>, name: string) => objects.delete(name),
    ],
    [
      'is altered',
      'segment_hash',
      'feed_invalid',
      (objects: Map<string, Uint8Array>, name: string) => objects.set(name, new Uint8Array(24)),
    ],
  ] as const)('a segment that %s ends it: no part of a feed is ever trusted', async (...args) => {
    const [, rule, reason, plant] = args;
    const both = await cold();
    const last = segmentObject(await objectHash(encodeEntries(SEGMENTS.at(-1) ?? [])));
    const kept = both.feed.objects.get(last) ?? new Uint8Array();
    plant(both.feed.objects as Map<string, Uint8Array>, last);
    for (let n = 0; n < 5; n++) expect(await ask(both)).toEqual(loading);
    expect(await ask(both)).toEqual(refuse(reason, { rule }));
    expect(await ask(both)).toEqual(refuse(reason, { rule }));
    // The control: once it is there one request more is enough.
    both.feed.objects.set(last, kept);
    both.feed.nowSeconds += 1;
    expect(isWhole(await ask(both))).toBe(true);
  });
});
