/**
 * Guarantee: while the publisher answers, its bound is kept on every route; while it does not, KV's is,
 * strict routes refuse, and the answer says which. Nobody asks the publisher more than once a second,
 * and nobody waits for it on the way of a request that needs no more than memory.
 */

import { HEAD_OBJECT } from '@cardea/shared/feed/head';
import { entry } from '@cardea/shared/feed/testing/feed-fixture';
import { refuse } from '@cardea/shared/result';
import { describe, expect, test } from 'vitest';
import type { EdgeFeed, StalePolicy } from './edge-feed.ts';
import {
  edgeFeedOf,
  otherTokenKey,
  requestAt,
  ScriptedFeed,
  START_SECONDS,
  tokenKey,
} from './testing/scripted-feed.ts';

const CLOSED: StalePolicy = { openForSeconds: 0 };
const STRICT: StalePolicy = { openForSeconds: 0, strict: true };
const OPEN_5_MIN: StalePolicy = { openForSeconds: 300 };

/** KV and the publisher, each with weather of its own, on one clock; and an edge that asks both. */
class World {
  readonly kv = new ScriptedFeed();
  readonly publisher = new ScriptedFeed();
  readonly edge: EdgeFeed;

  constructor(changes: Parameters<typeof edgeFeedOf>[1] = {}) {
    this.edge = edgeFeedOf(
      { source: this.kv.source, now: this.kv.now },
      {
        clock: () => this.kv.now,
        laneB: { source: this.publisher.source, hardSeconds: 10 },
        ...changes,
      },
    );
  }

  get now() {
    return this.kv.now;
  }

  pass(seconds: number): void {
    this.kv.nowSeconds += seconds;
    this.publisher.nowSeconds += seconds;
  }

  /** Stamps a head; KV and the publisher have it, or the publisher alone. */
  async publish(...content: Parameters<ScriptedFeed['publish']>): Promise<number> {
    const { seq } = await this.publisher.publish(...content);
    return seq;
  }

  copyToKv(): void {
    this.kv.head = this.publisher.head;
    for (const [name, bytes] of this.publisher.objects) this.kv.objects.set(name, bytes);
  }

  async ask(stale = CLOSED) {
    const request = requestAt(this.now);
    const answer = await this.edge.snapshot(request, stale);
    await request.settle();
    return answer;
  }

  questions(): { kv: number; publisher: number } {
    const heads = ({ reads }: ScriptedFeed) => reads.filter((name) => name === HEAD_OBJECT).length;
    return { kv: heads(this.kv), publisher: heads(this.publisher) };
  }

  forgetQuestions(): void {
    this.kv.reads.length = 0;
    this.publisher.reads.length = 0;
  }
}

/** An edge that has just loaded a head from the publisher. KV has it as well. */
async function loaded(changes?: ConstructorParameters<typeof World>[0]): Promise<World> {
  const world = new World(changes);
  await world.publish();
  world.copyToKv();
  expect(await world.ask()).toMatchObject(trusted('b'));
  world.forgetQuestions();
  return world;
}

const trusted = (lane: 'a' | 'b', more: object = {}) => ({
  ok: true,
  value: { degraded: false, lane, isFallback: lane === 'a', ...more },
});
const stale = (rule?: string) => refuse('feed_stale', rule === undefined ? undefined : { rule });

describe('while the publisher answers', () => {
  test('it is asked once a second, in the background, and KV is not', async () => {
    const world = await loaded();
    for (let second = 0; second < 30; second++) {
      world.pass(1);
      await world.publish();
      for (let n = 0; n < 5; n++) {
        const request = requestAt(world.now);
        // Synchronous: from memory.
        expect(world.edge.snapshot(request, STRICT)).toMatchObject(trusted('b'));
        await request.settle();
      }
    }
    expect(world.questions()).toEqual({ kv: 0, publisher: 30 });
  });

  test('half a second after the last question it is not asked again', async () => {
    const world = await loaded();
    world.pass(0.5);
    await world.ask();
    expect(world.questions()).toEqual({ kv: 0, publisher: 0 });
  });

  test('a revocation is seen with the first question after it', async () => {
    const world = await loaded();
    world.pass(1);
    await world.publish({ changes: { tail: [entry(1, 1)] } });
    await world.ask();
    const answer = await world.ask(STRICT);
    const table = answer.ok ? answer.value.snapshot.revocations : undefined;
    expect(table?.boundOf({ high: 1, low: 1 })).toBe(0xffffffff);
  });

  test.each([CLOSED, STRICT, OPEN_5_MIN])(
    'after a quiet time it is asked before anything is decided: %j',
    async (policy) => {
      const world = await loaded();
      world.pass(30); // Beyond its bound, within that of KV.
      const seq = await world.publish();
      expect(await world.ask(policy)).toMatchObject(trusted('b', { snapshot: { seq } }));
      expect(world.questions()).toEqual({ kv: 0, publisher: 1 });
    },
  );

  test('requests that come while it is being asked wait for the answer', async () => {
    const world: World = await loaded({
      pause: async () => void (await new Promise((resolve) => setTimeout(resolve, 1))),
    });
    world.pass(30);
    const seq = await world.publish();
    const requests = [1, 2, 3].map(() => world.edge.snapshot(requestAt(world.now), CLOSED));
    for (const answer of await Promise.all(requests)) {
      expect(answer).toMatchObject(trusted('b', { snapshot: { seq } }));
    }
    expect(world.questions()).toEqual({ kv: 0, publisher: 1 });
  });

  test('an unknown key does not make it be asked more often than once a second', async () => {
    const world = await loaded();
    world.pass(0.5);
    await world.publish({ keys: [otherTokenKey], changes: { seq: START_SECONDS * 1000 + 1 } });
    const early = await world.edge.refreshForUnknownKey(requestAt(world.now), CLOSED);
    expect(early.ok && [...early.value.snapshot.jwtKeys.keys()]).toEqual([tokenKey.kid]);
    expect(world.questions()).toEqual({ kv: 0, publisher: 0 });
    world.pass(10);
    await world.publish({ keys: [otherTokenKey] });
    const late = await world.edge.refreshForUnknownKey(requestAt(world.now), CLOSED);
    expect(late.ok && [...late.value.snapshot.jwtKeys.keys()]).toEqual([otherTokenKey.kid]);
  });

  test('a feed with many segments is loaded without asking more often than once a second', async () => {
    const world = new World({ portionEntriesMax: 1 });
    await world.publish({ segments: [1, 2, 3, 4].map((n) => [entry(n, n)]) });
    for (let n = 0; n < 4; n++) expect(await world.ask()).toEqual(stale('segments_loading'));
    expect(await world.ask(STRICT)).toMatchObject(trusted('b'));
    expect(world.questions()).toEqual({ kv: 0, publisher: 1 });
  });
});

describe.each(['failing', 'timeout'] as const)('while the publisher is away: %s', (weather) => {
  const code = weather === 'failing' ? 'read_failed' : 'read_timeout';

  /** The publisher went away 10 s ago; KV goes on. */
  async function away(): Promise<World> {
    const world = await loaded();
    world.publisher.weather = weather;
    for (let second = 0; second < 10; second++) {
      world.pass(1);
      await world.ask();
    }
    world.forgetQuestions();
    return world;
  }

  test('routes fall back to the bound of KV, at once, and the answer says so', async () => {
    const world = await away();
    const request = requestAt(world.now);
    const answer = world.edge.snapshot(request, CLOSED);
    expect(answer).toMatchObject(trusted('a', { ageSeconds: 10, isFallback: true }));
    await request.settle();
    expect(world.edge.status(world.now)).toMatchObject({
      ...{ fresh: true, lane: 'a' },
      lanes: [
        { name: 'b', hardSeconds: 10, boundSeconds: 70, fresh: false, lastError: code },
        { name: 'a', hardSeconds: 120, boundSeconds: 180, fresh: true, lastError: undefined },
      ],
    });
  });

  test('strict routes refuse', async () => {
    const world = await away();
    world.pass(1);
    expect(await world.ask(STRICT)).toEqual(stale(code));
    expect(await world.ask(STRICT)).toEqual(stale(code));
  });

  test('up to the last second of its bound, strict routes accept', async () => {
    const world = await loaded();
    world.publisher.weather = weather;
    world.pass(9);
    expect(await world.ask(STRICT)).toMatchObject(trusted('b', { ageSeconds: 9 }));
    world.pass(1);
    expect(await world.ask(STRICT)).toEqual(stale(code));
  });

  test('it is asked again each second and KV each ten, both in the background', async () => {
    const world = await away();
    for (let second = 0; second < 30; second++) {
      world.pass(1);
      await world.ask();
    }
    expect(world.questions()).toEqual({ kv: 3, publisher: 30 });
  });

  test('heads of KV are taken, and their age is what counts', async () => {
    const world = await away();
    const seq = await world.publish({ keys: [otherTokenKey] });
    world.pass(20);
    world.copyToKv();
    await world.ask();
    expect(await world.ask()).toMatchObject(trusted('a', { ageSeconds: 20, snapshot: { seq } }));
  });

  test('a head of KV that is young enough satisfies even strict routes', async () => {
    const world = await away();
    const seq = await world.publish();
    world.copyToKv();
    world.pass(1);
    await world.ask();
    expect(await world.ask(STRICT)).toMatchObject(trusted('b', { snapshot: { seq } }));
  });

  test('when KV stands still too, everything is refused at its bound', async () => {
    const world = await away();
    world.pass(109);
    expect(await world.ask()).toMatchObject(trusted('a', { ageSeconds: 119 }));
    world.pass(1);
    expect(await world.ask()).toMatchObject({ ok: false, refusal: { reason: 'feed_stale' } });
  });

  test('a route that stays open does so beyond the bound of KV, and never as a fallback', async () => {
    const world = await away();
    world.pass(109);
    const fallback = trusted('a', { ageSeconds: 119 });
    expect(await world.ask(OPEN_5_MIN)).toMatchObject(fallback);
    world.pass(1);
    const open = { ok: true, value: { degraded: true, isFallback: false, ageSeconds: 120 } };
    expect(await world.ask(OPEN_5_MIN)).toMatchObject(open);
    world.pass(300);
    expect(await world.ask(OPEN_5_MIN)).toMatchObject({ ok: false });
  });

  test('a cold isolate loads from KV, and strict routes refuse what is older than their bound', async () => {
    const world = new World();
    await world.publish();
    world.copyToKv();
    world.publisher.weather = weather;
    world.pass(20);
    expect(await world.ask()).toMatchObject(trusted('a', { ageSeconds: 20 }));
    world.pass(1);
    expect(await world.ask(STRICT)).toEqual(stale(code));
  });

  test('once it is back it is what counts', async () => {
    const world = await away();
    world.publisher.weather = 'fine';
    world.pass(1);
    const seq = await world.publish();
    await world.ask();
    expect(await world.ask(STRICT)).toMatchObject(trusted('b', { snapshot: { seq } }));
    expect(world.edge.status(world.now).lanes[0]).toMatchObject({ lastError: undefined });
  });
});

test('a publisher that never answers holds up no route that may fall back', async () => {
  const world = await loaded();
  world.publisher.weather = 'timeout';
  world.pass(1);
  await world.ask();
  world.publisher.weather = 'never';
  for (let second = 0; second < 60; second++) {
    world.pass(1);
    const answer = world.edge.snapshot(requestAt(world.now), CLOSED);
    expect(answer).toMatchObject({ ok: true });
  }
});

test('a publisher whose heads do not verify is as good as away', async () => {
  const world = await loaded();
  world.pass(1);
  await world.publish({ changes: { environmentId: 'production' } });
  await world.ask();
  world.pass(10);
  expect(await world.ask()).toMatchObject(trusted('a'));
  expect(await world.ask(STRICT)).toEqual(refuse('feed_invalid', { rule: 'head_environment' }));
});

describe('the publisher alone, without KV', () => {
  async function alone() {
    const feed = new ScriptedFeed();
    await feed.publish();
    const edge = edgeFeedOf(feed, { hardSeconds: 10, lane: 'b' });
    const ask = async (policy = CLOSED) => {
      const request = requestAt(feed.now);
      const answer = await edge.snapshot(request, policy);
      await request.settle();
      return answer;
    };
    expect(await ask()).toMatchObject({ ok: true, value: { lane: 'b', isFallback: false } });
    feed.reads.length = 0;
    return { feed, edge, ask };
  }

  test('it is asked once a second, and its bound is the bound', async () => {
    const { feed, edge, ask } = await alone();
    for (let second = 0; second < 5; second++) {
      feed.nowSeconds += 1;
      await ask();
      await ask();
    }
    expect(feed.reads.filter((name) => name === HEAD_OBJECT)).toHaveLength(5);
    expect(edge.status(feed.now)).toMatchObject({ hardSeconds: 10, lane: 'b' });
  });

  test.each([CLOSED, STRICT])('away for longer, everything is refused: %j', async (policy) => {
    const { feed, ask } = await alone();
    feed.weather = 'failing';
    feed.nowSeconds += 9;
    expect(await ask(policy)).toMatchObject({ ok: true });
    feed.nowSeconds += 1;
    expect(await ask(policy)).toEqual(stale('read_failed'));
  });
});
