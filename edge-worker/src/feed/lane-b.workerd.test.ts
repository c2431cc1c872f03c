/**
 * Guarantee, in the runtime itself: an edge with both lanes keeps the publisher's bound while it
 * answers, falls back to KV and says so when something else answers in its place, and loads a large
 * feed a portion a request, from a real namespace.
 */

import { env } from 'cloudflare:workers';
import { HEAD_OBJECT } from '@cardea/shared/feed/head';
import { entry } from '@cardea/shared/feed/testing/feed-fixture';
import { beforeEach, describe, expect, test } from 'vitest';
import { type EdgeUnderTest, edgeUnderTest, KvPublisher } from '../testing/published-edge.ts';
import { tokenAt } from '../testing/test-token.ts';

const namespace = (env as unknown as { readonly FEED: KVNamespace }).FEED;
const HASH_TYPES: ReadonlyArray<readonly [prefix: string, mediaType: string]> = [
  ['v1/keyset/', 'application/json'],
  ['v1/segment/', 'application/octet-stream'],
];

/** What answers in the publisher's place, and what it was asked. */
class Publisher {
  readonly published = new KvPublisher(namespace);
  readonly asked: Request[] = [];
  state: 'there' | 'gone' | 'failing' = 'there';

  readonly answer = async (request: Request): Promise<Response> => {
    this.asked.push(request);
    // A runtime whose worker is gone answers in its own words, with 200 or not.
    if (this.state === 'gone') return new Response('Worker "control-plane" not found.');
    if (this.state === 'failing') throw new TypeError('Network connection lost.');
    const { head = '', objects } = this.published.clock;
    const name = new URL(request.url).pathname.replace('/feed/', '');
    if (name !== HEAD_OBJECT) return objectAnswer(objects.get(name), name);
    const etag = `"${head.slice(-16)}"`;
    const headers = { etag, 'content-type': 'application/jose' };
    if (request.headers.get('if-none-match') === etag) {
      return new Response(null, { status: 304, headers });
    }
    return new Response(head, { headers });
  };

  questions(): number {
    return this.asked.filter(({ url }) => url.endsWith(HEAD_OBJECT)).length;
  }
}

function objectAnswer(bytes: Uint8Array<ArrayBuffer> | undefined, name: string): Response {
  const type = HASH_TYPES.find(([prefix]) => name.startsWith(prefix))?.[1] ?? 'text/plain';
  if (bytes === undefined) return Response.json({}, { status: 404 });
  return new Response(bytes, { headers: { 'content-type': type } });
}

let publisher: Publisher;
let now: number;
let token: string;
beforeEach(async () => {
  const { keys } = await namespace.list();
  for (const { name } of keys) await namespace.delete(name);
  publisher = new Publisher();
  now = publisher.published.clock.nowSeconds;
  token = await tokenAt(now);
});

const edgeWith = (changes: Parameters<typeof edgeUnderTest>[2] = {}) =>
  edgeUnderTest(namespace, publisher.published, { publisherAnswer: publisher.answer, ...changes });
const pass = (seconds: number) => {
  publisher.published.clock.nowSeconds += seconds;
};
const statusOf = async (edge: EdgeUnderTest, path: string) =>
  (await edge.send(path, { token })).status;

describe('both lanes', () => {
  let edge: EdgeUnderTest;
  beforeEach(async () => {
    await publisher.published.publish();
    edge = edgeWith();
    expect(await statusOf(edge, '/v1/notes')).toBe(200);
  });

  test('the publisher is asked once a second, says who asks, and gets "the same" back', async () => {
    for (let second = 0; second < 3; second++) {
      pass(1);
      for (let n = 0; n < 3; n++) expect(await statusOf(edge, '/v1/strict/x')).toBe(200);
    }
    expect(publisher.questions()).toBe(4);
    const last = publisher.asked.at(-1)?.headers;
    expect(last?.get('cardea-edge')).toBe(`edge-1; seq=${now * 1000}`);
    expect(last?.get('if-none-match')).toMatch(/^".+"$/);
  });

  test('a revocation that only the publisher has is seen within two seconds', async () => {
    pass(1);
    const tail = [{ scopeId: { high: 0, low: 0 }, boundSeconds: now }];
    await publisher.published.clock.publish({ changes: { tail } }); // Not written to KV.
    await statusOf(edge, '/v1/notes');
    const refused = await edge.send('/v1/notes', { token });
    expect(await refused.json()).toMatchObject({ code: 'token_revoked' });
  });

  test.each(['gone', 'failing'] as const)('with the publisher %s', async (state) => {
    publisher.state = state;
    pass(9);
    expect(await statusOf(edge, '/v1/strict/x')).toBe(200);
    expect(edge.log).toEqual([]);
    pass(1);
    // Every request that passes under KV's bound is logged.
    for (let n = 1; n <= 2; n++) {
      expect(await statusOf(edge, '/v1/notes')).toBe(200);
      expect(edge.log).toHaveLength(n);
      expect(edge.log.at(-1)).toMatchObject({
        ...{ level: 'warn', event: 'lane_b_away', route: '/v1/notes/*' },
        evidence: { lane: 'a', age_seconds: 10 },
      });
    }
    const refused = await edge.send('/v1/strict/x', { token });
    expect(refused.headers.get('cardea-feed-age')).toBe('10');
    expect(await refused.json()).toMatchObject({ code: 'feed_stale', feed_age_seconds: 10 });
    const ready = await edge.send('/.cardea/ready');
    expect(await ready.json()).toMatchObject({
      status: 'ready',
      feed: {
        ...{ lane: 'a', hard_seconds: 120, bound_seconds: 180 },
        lanes: {
          b: {
            ...{ hard_seconds: 10, bound_seconds: 70, fresh: false },
            last_error: state === 'gone' ? 'read_unexpected' : 'read_failed',
          },
          a: { hard_seconds: 120, bound_seconds: 180, fresh: true, last_error: null },
        },
      },
    });
    publisher.state = 'there';
    await publisher.published.clock.publish();
    pass(1);
    await statusOf(edge, '/v1/notes');
    expect(await statusOf(edge, '/v1/strict/x')).toBe(200);
  });

  test('an object that KV does not have yet comes from the publisher', async () => {
    pass(1);
    await publisher.published.clock.publish({ segments: [[entry(7, 7)]] });
    await statusOf(edge, '/v1/notes');
    const ready = await edge.send('/.cardea/ready');
    expect(await ready.json()).toMatchObject({ feed: { revocations: { entries: 1 } } });
    expect(publisher.asked.some(({ url }) => url.includes('/feed/v1/segment/'))).toBe(true);
  });
});

describe('a large feed in KV', () => {
  const SEGMENTS = [1, 2, 3].map((n) => Array.from({ length: 1000 }, (_, i) => entry(i, n)));

  test('is loaded by requests in turn: refused until it is there, then all of it counts', async () => {
    await publisher.published.publish({ segments: SEGMENTS });
    const edge = edgeUnderTest(namespace, publisher.published, {
      feedChanges: { portionEntriesMax: 1000 },
    });
    for (let n = 0; n < 3; n++) {
      const response = await edge.send('/v1/notes', { token });
      expect(await response.json()).toMatchObject({ code: 'feed_stale', feed_age_seconds: null });
      expect(edge.log.at(-1)).toMatchObject({ evidence: { rule: 'segments_loading' } });
    }
    expect(await statusOf(edge, '/v1/notes')).toBe(200);
    const ready = await edge.send('/.cardea/ready');
    expect(await ready.json()).toMatchObject({ feed: { revocations: { entries: 3000 } } });
  });

  test('requests that come at once are all answered, by each other’s portions', async () => {
    await publisher.published.publish({ segments: SEGMENTS });
    const edge = edgeUnderTest(namespace, publisher.published, {
      feedChanges: {
        portionEntriesMax: 1000,
        pause: (milliseconds) => scheduler.wait(milliseconds),
      },
    });
    const answers = await Promise.all(Array.from({ length: 6 }, () => statusOf(edge, '/v1/notes')));
    expect(answers).toEqual(Array(6).fill(200));
  });
});
