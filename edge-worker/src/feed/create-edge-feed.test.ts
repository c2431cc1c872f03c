import { encodeEntries } from '@cardea/shared/feed/entry';
import { HEAD_OBJECT, segmentObject } from '@cardea/shared/feed/head';
import { objectHash } from '@cardea/shared/feed/object-hash';
import type { ScopeId } from '@cardea/shared/feed/scope-id';
import type { EdgeIdentity } from '@cardea/shared/feed/sealed-key';
import { entry } from '@cardea/shared/feed/testing/feed-fixture';
import {
  edgeWithOtherSecret,
  otherEdge,
  sealedKeyOf,
  testEdge,
} from '@cardea/shared/feed/testing/sealed-key-fixture';
import { type Result, refuse } from '@cardea/shared/result';
import { describe, expect, test } from 'vitest';
import type { RequestContext, TrustedSnapshot } from './edge-feed.ts';
import {
  edgeFeedOf,
  foreignFeedKey,
  otherTokenKey,
  requestAt,
  ScriptedFeed,
  START_SECONDS,
  timersOf,
  tokenKey,
} from './testing/scripted-feed.ts';

const CLOSED = { openForSeconds: 0 };
const OPEN_5_MIN = { openForSeconds: 300 };

/** An edge that has loaded the feed, which is 0 s old. */
async function loaded(hardSeconds = 120) {
  const feed = new ScriptedFeed();
  await feed.publish();
  const edge = edgeFeedOf(feed, { hardSeconds });
  expect(await edge.snapshot(requestAt(feed.now), CLOSED)).toMatchObject({ ok: true });
  feed.reads.length = 0;
  return { feed, edge };
}

/** Asks once, finishes the background work, and gives the answer. */
async function ask({ feed, edge }: Awaited<ReturnType<typeof loaded>>, stale = CLOSED) {
  const request = requestAt(feed.now);
  const answer = await edge.snapshot(request, stale);
  await request.settle();
  return answer;
}

const fresh = (seq: number) => ({ ok: true, value: { degraded: false, snapshot: { seq } } });
const FIRST = fresh(START_SECONDS * 1000);

describe('while the snapshot is fresh', () => {
  test('the answer comes from memory, synchronously and without a read', async () => {
    const { feed, edge } = await loaded();
    feed.nowSeconds += 9;
    const answer = edge.snapshot(requestAt(feed.now), CLOSED);
    expect(answer).toMatchObject({ ...FIRST, value: { ageSeconds: 9 } });
    expect(feed.reads).toEqual([]);
  });

  test('it is refreshed in the background ten seconds after the last attempt, by one request', async () => {
    const { feed, edge } = await loaded();
    feed.nowSeconds += 10;
    const { seq } = await feed.publish();
    const requests = [requestAt(feed.now), requestAt(feed.now), requestAt(feed.now)];
    for (const request of requests) {
      expect(edge.snapshot(request, CLOSED)).toMatchObject(FIRST);
    }
    expect(feed.reads).toEqual([HEAD_OBJECT]);
    await Promise.all(requests.map((request) => request.settle()));
    expect(edge.snapshot(requestAt(feed.now), CLOSED)).toMatchObject(fresh(seq));
  });

  test('a keyset that has not changed is not read again', async () => {
    const both = await loaded();
    both.feed.nowSeconds += 10;
    await both.feed.publish();
    await ask(both);
    expect(both.feed.reads).toEqual([HEAD_OBJECT]);
    both.feed.nowSeconds += 10;
    await both.feed.publish({ keys: [tokenKey, otherTokenKey] });
    await ask(both);
    expect(both.feed.reads).toHaveLength(3);
    const answer = both.edge.snapshot(requestAt(both.feed.now), CLOSED);
    const keys = 'ok' in answer && answer.ok ? answer.value.snapshot.jwtKeys : new Map();
    expect([...keys.keys()].sort()).toEqual([tokenKey.kid, otherTokenKey.kid].sort());
  });

  test('a refresh that never comes back holds nobody up, and the next one is due as ever', async () => {
    const { feed, edge } = await loaded();
    feed.nowSeconds += 10;
    feed.weather = 'never';
    expect(edge.snapshot(requestAt(feed.now), CLOSED)).toMatchObject(FIRST);
    feed.weather = 'fine';
    feed.nowSeconds += 10;
    const { seq } = await feed.publish();
    await ask({ feed, edge });
    expect(edge.snapshot(requestAt(feed.now), CLOSED)).toMatchObject(fresh(seq));
  });

  test('with a bound below 20 s it is refreshed after half of it', async () => {
    const both = await loaded(8);
    both.feed.nowSeconds += 3;
    await ask(both);
    expect(both.feed.reads).toEqual([]);
    both.feed.nowSeconds += 1;
    await ask(both);
    expect(both.feed.reads).toEqual([HEAD_OBJECT]);
  });

  test('a clock that jumps back does not stop refreshes', async () => {
    const both = await loaded();
    both.feed.nowSeconds -= 30;
    await ask(both);
    expect(both.feed.reads).toEqual([HEAD_OBJECT]);
  });

  test.each(['failing', 'timeout'] as const)('a %s store changes nothing', async (weather) => {
    const both = await loaded();
    both.feed.weather = weather;
    both.feed.nowSeconds += 119;
    expect(await ask(both)).toMatchObject(FIRST);
    expect(both.edge.status(both.feed.now)).toMatchObject({
      ...{ fresh: true, ageSeconds: 119 },
      lastError: weather === 'failing' ? 'read_failed' : 'read_timeout',
    });
  });
});

describe('on a cold isolate', () => {
  /** Timers advance the scripted clock. */
  function coldEdge() {
    const feed = new ScriptedFeed();
    return { feed, edge: edgeFeedOf(feed, { pause: timersOf(feed) }) };
  }

  test('requests that come while the first one loads wait for the snapshot, not for the request', async () => {
    const { feed, edge } = coldEdge();
    const { seq } = await feed.publish();
    const requests = [1, 2, 3].map(() => edge.snapshot(requestAt(feed.now), CLOSED));
    for (const answer of await Promise.all(requests)) expect(answer).toMatchObject(fresh(seq));
    expect(feed.reads.filter((name) => name === HEAD_OBJECT)).toHaveLength(1);
  });

  test('a load that never comes back refuses them after two seconds', async () => {
    const { feed, edge } = coldEdge();
    await feed.publish();
    feed.weather = 'never';
    void edge.snapshot(requestAt(feed.now), CLOSED);
    const startedAt = feed.nowSeconds;
    expect(await edge.snapshot(requestAt(feed.now), CLOSED)).toEqual(refuse('feed_stale'));
    expect(feed.nowSeconds - startedAt).toBeCloseTo(2, 1);
  });

  test('a load that fails refuses them when it fails', async () => {
    const { feed, edge } = coldEdge();
    feed.weather = 'failing';
    const startedAt = feed.nowSeconds;
    const answers = [1, 2].map(() => edge.snapshot(requestAt(feed.now), CLOSED));
    const refusal = refuse('feed_stale', { rule: 'read_failed' });
    expect(await Promise.all(answers)).toEqual([refusal, refusal]);
    expect(feed.nowSeconds - startedAt).toBeLessThan(1);
  });

  test('once a load has failed nobody waits: one tries again a second later', async () => {
    const { feed, edge } = coldEdge();
    feed.weather = 'failing';
    await edge.snapshot(requestAt(feed.now), CLOSED);
    const refusal = refuse('feed_stale', { rule: 'read_failed' });
    expect(edge.snapshot(requestAt(feed.now), CLOSED)).toEqual(refusal);
    feed.weather = 'fine';
    const { seq } = await feed.publish();
    feed.nowSeconds += 1;
    expect(await edge.snapshot(requestAt(feed.now), CLOSED)).toMatchObject(fresh(seq));
  });
});

describe('when the snapshot is stale', () => {
  test('trust ends at the bound by the signed age, however recently the head was read', async () => {
    const both = await loaded();
    both.feed.nowSeconds += 119;
    expect(await ask(both)).toMatchObject(FIRST);
    both.feed.nowSeconds += 1;
    expect(await ask(both)).toEqual(refuse('feed_stale'));
  });

  test('one request waits for a refresh and is answered by it', async () => {
    const both = await loaded();
    both.feed.nowSeconds += 500;
    const { seq } = await both.feed.publish();
    expect(await ask(both)).toMatchObject(fresh(seq));
  });

  test('the others are refused at once and wait for nobody', async () => {
    const { feed, edge } = await loaded();
    feed.nowSeconds += 500;
    feed.weather = 'never';
    const first = edge.snapshot(requestAt(feed.now), CLOSED);
    expect(first).toBeInstanceOf(Promise);
    const others = [1, 2, 3].map(() => edge.snapshot(requestAt(feed.now), CLOSED));
    expect(others).toEqual([1, 2, 3].map(() => refuse('feed_stale')));
    expect(feed.reads).toEqual([HEAD_OBJECT]);
  });

  test('a second later the next request tries, whatever became of the first', async () => {
    const both = await loaded();
    both.feed.nowSeconds += 500;
    both.feed.weather = 'never';
    void both.edge.snapshot(requestAt(both.feed.now), CLOSED);
    both.feed.weather = 'fine';
    const { seq } = await both.feed.publish();
    expect(await ask(both)).toEqual(refuse('feed_stale'));
    both.feed.nowSeconds += 1;
    expect(await ask(both)).toMatchObject(fresh(seq));
  });

  test('the refresh is handed to waitUntil, so that it outlives a client that hangs up', async () => {
    const { feed, edge } = await loaded();
    feed.nowSeconds += 500;
    const { seq } = await feed.publish();
    const request = requestAt(feed.now);
    void edge.snapshot(request, CLOSED);
    await request.settle();
    expect(edge.snapshot(requestAt(feed.now), CLOSED)).toMatchObject(fresh(seq));
  });

  test('a snapshot that goes stale while it is being read is not trusted', async () => {
    const both = await loaded();
    both.feed.nowSeconds += 500;
    await both.feed.publish();
    both.feed.nowSeconds += 119;
    both.feed.afterRead = () => {
      both.feed.nowSeconds += 1;
    };
    const answer = await ask(both);
    expect(answer).toEqual(refuse('feed_stale'));
  });

  test('a route may stay open for a while, and the answer says so', async () => {
    const both = await loaded();
    both.feed.weather = 'failing';
    both.feed.nowSeconds += 120;
    const degraded = { ok: true, value: { degraded: true, ageSeconds: 120 } };
    expect(await ask(both, OPEN_5_MIN)).toMatchObject(degraded);
    expect(await ask(both, CLOSED)).toEqual(refuse('feed_stale', { rule: 'read_failed' }));
    both.feed.nowSeconds += 299;
    expect(await ask(both, OPEN_5_MIN)).toMatchObject({ ok: true });
    both.feed.nowSeconds += 1;
    expect(await ask(both, OPEN_5_MIN)).toEqual(refuse('feed_stale', { rule: 'read_failed' }));
  });

  test('an open route gets the fresh snapshot if there is one', async () => {
    const both = await loaded();
    both.feed.nowSeconds += 120;
    const { seq } = await both.feed.publish();
    expect(await ask(both, OPEN_5_MIN)).toMatchObject(fresh(seq));
  });

  test('a local clock that jumps back does not make an old snapshot young', async () => {
    const both = await loaded();
    both.feed.nowSeconds -= 60;
    expect(await ask(both)).toMatchObject(FIRST);
    both.feed.nowSeconds -= 1;
    expect(await ask(both)).toEqual(refuse('feed_stale'));
  });
});

describe('before anything was loaded', () => {
  test.each([
    ['there is no head', 'fine', 'head_missing'],
    ['the store fails', 'failing', 'read_failed'],
    ['the store times out', 'timeout', 'read_timeout'],
  ] as const)('it refuses if %s', async (_, weather, rule) => {
    const feed = new ScriptedFeed();
    feed.weather = weather;
    const edge = edgeFeedOf(feed);
    expect(await ask({ feed, edge }, OPEN_5_MIN)).toEqual(refuse('feed_stale', { rule }));
    expect(edge.status(feed.now)).toEqual({
      ...{ seq: undefined, issuedAtSeconds: undefined, ageSeconds: undefined },
      ...{ hardSeconds: 120, fresh: false, lastError: rule },
      ...{ isLoading: false, entries: 0, entryBytes: 0, lane: undefined },
      macaroonKeys: { opened: 0, unopened: 0 },
      lanes: [{ name: 'a', hardSeconds: 120, boundSeconds: 180, fresh: false, lastError: rule }],
    });
  });

  test('a head that is too old is refused as stale, not trusted for being new here', async () => {
    const feed = new ScriptedFeed();
    await feed.publish();
    feed.nowSeconds += 120;
    expect(await ask({ feed, edge: edgeFeedOf(feed) })).toEqual(refuse('feed_stale'));
  });
});

describe('a document that is not to be believed', () => {
  type Both = Awaited<ReturnType<typeof loaded>>;
  const later = (both: Both) => {
    both.feed.nowSeconds += 10;
  };
  const damage = async (both: Both, pattern: RegExp, change: (bytes: Uint8Array) => void) => {
    later(both);
    await both.feed.publish({ keys: [tokenKey, otherTokenKey], segments: [[entry(1, 1)]] });
    for (const [name, bytes] of both.feed.objects) if (pattern.test(name)) change(bytes);
  };
  const flip = (bytes: Uint8Array) => {
    bytes[0] = (bytes[0] ?? 0) ^ 1;
  };
  const remove = (both: Both, pattern: RegExp) => {
    for (const name of both.feed.objects.keys()) {
      if (pattern.test(name)) both.feed.objects.delete(name);
    }
  };

  const CASES: ReadonlyArray<
    readonly [what: string, rule: string, plant: (both: Both) => unknown]
  > = [
    [
      'signed by another key',
      'head_key_unknown',
      (both) => both.feed.publish({ signer: foreignFeedKey }),
    ],
    [
      'of another environment',
      'head_environment',
      (both) => both.feed.publish({ changes: { environmentId: 'production' } }),
    ],
    [
      'from the future',
      'head_in_future',
      async (both) => {
        both.feed.nowSeconds = START_SECONDS + 20 + 61;
        await both.feed.publish();
      },
    ],
    [
      'rolled back',
      'head_older',
      (both) => both.feed.publish({ changes: { seq: START_SECONDS * 1000 - 1 } }),
    ],
    [
      'not signed at all',
      'head_not_compact',
      (both) => {
        both.feed.head = '{"v":1}';
      },
    ],
    [
      'without its keyset',
      'keyset_missing',
      async (both) => {
        await damage(both, /^$/, flip);
        remove(both, /keyset/);
      },
    ],
    ['with another keyset under its name', 'keyset_hash', (both) => damage(both, /keyset/, flip)],
    [
      'without its segment',
      'segment_missing',
      async (both) => {
        await damage(both, /^$/, flip);
        remove(both, /segment/);
      },
    ],
    [
      'with another segment under its name',
      'segment_hash',
      (both) => damage(both, /segment/, flip),
    ],
    [
      'that is gone',
      'head_missing',
      (both) => {
        both.feed.head = undefined;
      },
    ],
  ];

  test.each(CASES)('leaves the old snapshot: a head %s (%s)', async (_, rule, plant) => {
    const both = await loaded();
    later(both);
    await plant(both);
    both.feed.nowSeconds = START_SECONDS + 20;
    expect(await ask(both)).toMatchObject(FIRST);
    expect(await ask(both)).toMatchObject(FIRST);
    expect(both.edge.status(both.feed.now)).toMatchObject({ fresh: true, lastError: rule });
    // The control: the next good head is taken, and the error is gone.
    later(both);
    const { seq } = await both.feed.publish({ keys: [otherTokenKey] });
    await ask(both);
    expect(await ask(both)).toMatchObject(fresh(seq));
    expect(both.edge.status(both.feed.now)).toMatchObject({ lastError: undefined });
  });

  test.each(CASES)('ends in a refusal at the bound: a head %s (%s)', async (_, rule, plant) => {
    const both = await loaded();
    later(both);
    await plant(both);
    both.feed.nowSeconds = START_SECONDS + 120;
    // A head "from the future" has become a good one by now.
    if (rule === 'head_in_future') return;
    const reason = /missing|older/.test(rule) ? 'feed_stale' : 'feed_invalid';
    expect(await ask(both)).toEqual(refuse(reason, { rule }));
  });
});

test('a late answer of an older refresh does not replace a newer snapshot', async () => {
  const feed = new ScriptedFeed();
  await feed.publish();
  const olderHead = feed.head;
  feed.nowSeconds += 1;
  const newer = await feed.publish();
  let isFirst = true;
  const readHead = async () => {
    if (!isFirst) return feed.source.readHead();
    isFirst = false;
    // While this answer is on its way another refresh begins and ends.
    await edge.refreshForUnknownKey(requestAt(feed.now), CLOSED);
    return olderHead;
  };
  const edge = edgeFeedOf({ now: feed.now, source: { ...feed.source, readHead } });
  expect(await edge.snapshot(requestAt(feed.now), CLOSED)).toMatchObject(fresh(newer.seq));
});

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

describe('an unknown key', () => {
  test('forces a refresh, at most one in ten seconds', async () => {
    const { feed, edge } = await loaded();
    feed.nowSeconds += 1;
    const { seq } = await feed.publish({ keys: [otherTokenKey] });
    const answer = await edge.refreshForUnknownKey(requestAt(feed.now), CLOSED);
    expect(answer).toMatchObject(fresh(seq));
    feed.reads.length = 0;
    for (const seconds of [0, 9]) {
      feed.nowSeconds += seconds;
      await feed.publish();
      expect(await edge.refreshForUnknownKey(requestAt(feed.now), CLOSED)).toMatchObject(
        fresh(seq),
      );
    }
    expect(feed.reads).toEqual([]);
    feed.nowSeconds += 1;
    const last = await feed.publish();
    expect(await edge.refreshForUnknownKey(requestAt(feed.now), CLOSED)).toMatchObject(
      fresh(last.seq),
    );
  });

  test('answers the same snapshot if the store is away, and refuses if that is stale', async () => {
    const { feed, edge } = await loaded();
    feed.weather = 'failing';
    expect(await edge.refreshForUnknownKey(requestAt(feed.now), CLOSED)).toMatchObject(FIRST);
    feed.nowSeconds += 120;
    expect(await edge.refreshForUnknownKey(requestAt(feed.now), CLOSED)).toEqual(
      refuse('feed_stale', { rule: 'read_failed' }),
    );
  });
});

test('a bug is not taken for an outage', async () => {
  const feed = new ScriptedFeed();
  const bug = new TypeError('a bug');
  const edge = edgeFeedOf({
    now: feed.now,
    source: {
      readHead: () => Promise.reject(bug),
      readObject: feed.source.readObject,
    },
  });
  const request: RequestContext = {
    now: feed.now,
    waitUntil: (work) => void work.catch(() => undefined),
  };
  await expect(edge.snapshot(request, CLOSED)).rejects.toBe(bug);
});

const macaroonKey = await sealedKeyOf();
const sealed = [
  macaroonKey,
  await sealedKeyOf({ kid: 'mk-2' }),
  await sealedKeyOf({ kid: 'mk-3' }, otherEdge),
];

describe('macaroon keys', () => {
  async function keysOf(edgeIdentity: EdgeIdentity | undefined) {
    const feed = new ScriptedFeed();
    await feed.publish({ sealed });
    const edge = edgeFeedOf(feed, { edgeIdentity });
    const answer = await edge.snapshot(requestAt(feed.now), CLOSED);
    expect(answer).toMatchObject({ ok: true, value: { snapshot: { jwtKeys: { size: 1 } } } });
    const kids = 'ok' in answer && answer.ok ? [...answer.value.snapshot.macaroonKeys.keys()] : [];
    return { kids, status: edge.status(feed.now).macaroonKeys };
  }

  test('sealed for this edge are opened, the others are left alone', async () => {
    expect(await keysOf(testEdge)).toEqual({
      ...{ kids: ['mk-1', 'mk-2'], status: { opened: 2, unopened: 0 } },
    });
    expect(await keysOf(otherEdge)).toMatchObject({ kids: ['mk-3'] });
  });

  test('are none for an edge without a secret', async () => {
    expect(await keysOf(undefined)).toEqual({ kids: [], status: { opened: 0, unopened: 0 } });
  });

  test('that do not open are left out and counted, and the keys of JWTs are as ever', async () => {
    expect(await keysOf(edgeWithOtherSecret)).toEqual({
      ...{ kids: [], status: { opened: 0, unopened: 2 } },
    });
  });

  test('stay with a keyset that has not changed, and go with one that lacks them', async () => {
    const feed = new ScriptedFeed();
    await feed.publish({ sealed });
    const both = { feed, edge: edgeFeedOf(feed, { edgeIdentity: testEdge }) };
    for (const [content, opened] of [
      [sealed, 2],
      [sealed, 2],
      [[macaroonKey], 1],
      [[], 0],
    ] as const) {
      feed.nowSeconds += 10;
      await feed.publish({ sealed: content });
      await ask(both);
      expect(both.edge.status(feed.now).macaroonKeys).toEqual({ opened, unopened: 0 });
    }
  });

  test('of a wrong form refuse the keyset, and the old snapshot stays', async () => {
    const both = await loaded();
    both.feed.nowSeconds += 10;
    await both.feed.publish({ sealed: [macaroonKey, macaroonKey] });
    await ask(both);
    expect(both.edge.status(both.feed.now)).toMatchObject({
      ...{ fresh: true, lastError: 'keyset_sealed_key' },
    });
  });
});
