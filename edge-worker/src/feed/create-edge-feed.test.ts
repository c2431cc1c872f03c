/** When the feed is read, who waits for it, and what a stale one is good for. */

import { HEAD_OBJECT } from '@cardea/shared/feed/head';
import { refuse } from '@cardea/shared/result';
import { describe, expect, test } from 'vitest';
import type { RequestContext } from './edge-feed.ts';
import {
  ask,
  CLOSED,
  edgeFeedOf,
  FIRST,
  fresh,
  loaded,
  otherTokenKey,
  requestAt,
  ScriptedFeed,
  timersOf,
  tokenKey,
} from './testing/scripted-feed.ts';

const OPEN_5_MIN = { openForSeconds: 300 };

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
