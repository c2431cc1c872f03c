/**
 * Guarantee (invariant 5 of docs/feed.md): whoever can write KV changes nothing that an edge trusts. Every
 * byte of every object is changed, cut off, left out and doubled; objects of two ages and of two
 * environments, signed by one key, are put in each other's places. Whatever is done, an edge trusts a
 * snapshot that its publisher made, never an older one than before, or answers 503.
 */

import {
  edgeFeedOf,
  otherTokenKey,
  type Published,
  requestAt,
  ScriptedFeed,
  START_SECONDS,
  tokenKey,
} from '@cardea/edge-worker/feed/testing/scripted-feed';
import { HEAD_OBJECT } from '@cardea/shared/feed/head';
import type { FeedSnapshot } from '@cardea/shared/feed/snapshot';
import { entry } from '@cardea/shared/feed/testing/feed-fixture';
import { describe, expect, test } from 'vitest';
import { createRandom, type Random } from './random.ts';

type Bytes = Uint8Array<ArrayBuffer>;
type Objects = ReadonlyMap<string, Bytes>;

const CLOSED = { openForSeconds: 0 };
const SCOPES = [entry(1, 1), entry(2, 2), entry(3, 3), entry(4, 4), entry(0, 0)];
const MILLISECONDS_MAX = 300_000;

/** A head, with the objects that it names, under their names in KV. */
async function publication(secondsLater: number, content: Published): Promise<Objects> {
  const feed = new ScriptedFeed();
  feed.nowSeconds += secondsLater;
  await feed.publish({ ...content, changes: { tail: [], ...content.changes } });
  return new Map([...feed.objects, [HEAD_OBJECT, bytesOf(feed.head ?? '')]]);
}

const OLDER = await publication(0, {
  keys: [tokenKey],
  segments: [[entry(1, 1), entry(2, 2)]],
  changes: { tail: [entry(3, 3)] },
});
const NEWER = await publication(10, {
  keys: [otherTokenKey],
  segments: [[entry(1, 1), entry(2, 2), entry(4, 4)], [entry(5, 5)]],
  changes: { tail: [entry(3, 3), entry(6, 6, START_SECONDS)] },
});
/** Of another environment, whose operators use the same feed key. */
const FOREIGN = await publication(20, {
  keys: [tokenKey, otherTokenKey],
  segments: [[entry(7, 7)]],
  changes: { environmentId: 'production' },
});
const OURS = [OLDER, NEWER];

function bytesOf(text: string): Bytes {
  return new TextEncoder().encode(text);
}

/** KV with these objects, and an edge in front of it. */
class Edge {
  readonly #feed = new ScriptedFeed();
  readonly #edge = edgeFeedOf(this.#feed);

  constructor() {
    this.#feed.nowSeconds += 20;
  }

  put(objects: Objects): void {
    for (const [name, value] of objects) {
      if (name === HEAD_OBJECT) this.#feed.head = new TextDecoder().decode(value);
      else this.#feed.objects.set(name, value);
    }
  }

  /** What a request ten seconds later trusts after a refresh; the refusal's reason if it is refused. */
  async ask(): Promise<string> {
    this.#feed.nowSeconds += 10;
    for (let requests = 0; requests < 2; requests++) {
      const request = requestAt(this.#feed.now);
      const answer = await this.#edge.snapshot(request, CLOSED);
      await request.settle();
      if (requests === 1 || !answer.ok) {
        return answer.ok ? fingerprintOf(answer.value.snapshot) : answer.refusal.reason;
      }
    }
    return 'unreachable';
  }
}

/** Everything that decides about tokens: which head, which keys, which bounds. */
function fingerprintOf({ issuedAtSeconds, jwtKeys, revocations, seq }: FeedSnapshot): string {
  const bounds = SCOPES.map(({ scopeId }) => revocations.boundOf(scopeId) ?? '-');
  const kids = [...jwtKeys.keys()].sort();
  return JSON.stringify({ seq, issuedAtSeconds, kids, bounds, size: revocations.size });
}

async function honest(objects: Objects): Promise<string> {
  const edge = new Edge();
  edge.put(objects);
  return edge.ask();
}

const TRUSTED_OLDER = await honest(OLDER);
const TRUSTED_NEWER = await honest(NEWER);
const REFUSALS = ['feed_invalid', 'feed_stale'];

test('the honest ones are trusted, each for itself, and the foreign one is not', async () => {
  expect(JSON.parse(TRUSTED_OLDER)).toMatchObject({ kids: [tokenKey.kid], size: 3 });
  expect(JSON.parse(TRUSTED_NEWER)).toMatchObject({ kids: [otherTokenKey.kid], size: 6 });
  expect(await honest(FOREIGN)).toBe('feed_invalid');
  // The check would see a difference: what is trusted is told apart by a single bound.
  const other = await publication(10, { keys: [otherTokenKey], segments: [[entry(1, 1)]] });
  expect(OURS.map((one) => one.get(HEAD_OBJECT))).not.toContainEqual(other.get(HEAD_OBJECT));
  expect([TRUSTED_OLDER, TRUSTED_NEWER]).not.toContain(await honest(other));
});

/** Every bit of every byte, every length, every byte left out, every byte doubled. */
function* changesOf(value: Bytes): Generator<Bytes> {
  for (let index = 0; index < value.length; index++) {
    for (let bit = 0; bit < 8; bit++) {
      const flipped = value.slice();
      flipped[index] = (flipped[index] ?? 0) ^ (1 << bit);
      yield flipped;
    }
    yield value.slice(0, index);
    yield Uint8Array.from([...value.slice(0, index), ...value.slice(index + 1)]);
    yield Uint8Array.from([...value.slice(0, index + 1), ...value.slice(index)]);
  }
  yield Uint8Array.from([...value, 0]);
  yield Uint8Array.from([...value, ...value]);
}

describe('no changed byte is trusted', () => {
  const objects = [...NEWER.keys()].map((name) => [name.split('/')[1] ?? '', name] as const);

  test.each(objects)(
    'of a %s (%s)',
    async (_, name) => {
      const value = NEWER.get(name) ?? new Uint8Array();
      let tried = 0;
      for (const changed of changesOf(value)) {
        if (Buffer.from(changed).equals(value)) continue; // Of two equal neighbours one was left out.
        tried++;
        const planted = new Map([...NEWER, [name, changed]]);
        const cold = new Edge();
        cold.put(planted);
        const refusal = await cold.ask();
        if (!REFUSALS.includes(refusal)) expect(refusal).toBe('a refusal');
        if (tried % 5 !== 0) continue; // The same document is judged: what is held decides nothing.
        const warm = new Edge();
        warm.put(OLDER);
        await warm.ask();
        warm.put(planted);
        const kept = await warm.ask();
        if (kept !== TRUSTED_OLDER) expect(kept).toBe(TRUSTED_OLDER);
      }
      expect(tried).toBeGreaterThan(10 * value.length);
    },
    MILLISECONDS_MAX,
  );
});

test('any object in the place of any other one leads to what was trusted before, or to 503', async () => {
  const values = [OLDER, NEWER, FOREIGN].flatMap((objects) => [...objects.values()]);
  const names = new Set([OLDER, NEWER, FOREIGN].flatMap((objects) => [...objects.keys()]));
  const all = new Map([...FOREIGN, ...OLDER, ...NEWER]);
  const seen = new Set<string>();
  for (const heads of [OLDER, NEWER, FOREIGN]) {
    const head = heads.get(HEAD_OBJECT) ?? new Uint8Array();
    for (const name of names) {
      for (const value of values) {
        const planted = new Map([...all, [HEAD_OBJECT, head], [name, value]]);
        const cold = new Edge();
        cold.put(planted);
        const trusted = await cold.ask();
        seen.add(trusted);
        expect([TRUSTED_OLDER, TRUSTED_NEWER, ...REFUSALS]).toContain(trusted);
        const warm = new Edge();
        warm.put(NEWER);
        await warm.ask();
        warm.put(planted);
        expect(await warm.ask()).toBe(TRUSTED_NEWER);
      }
    }
  }
  // Each outcome has had its chance.
  expect(seen).toEqual(new Set([TRUSTED_OLDER, TRUSTED_NEWER, 'feed_invalid']));
}, 60_000);

test('nor does any mixture of changed and misplaced objects, one after the other', async () => {
  const random = createRandom(1);
  const sources = [OLDER, NEWER, FOREIGN];
  const names = [...new Set(sources.flatMap((objects) => [...objects.keys()]))];
  const counts = new Map<string, number>();
  for (let run = 0; run < 400; run++) {
    const edge = new Edge();
    let before = '';
    for (let step = 0; step < 6; step++) {
      edge.put(mixture(random, { sources, names }));
      const trusted = await edge.ask();
      counts.set(trusted, (counts.get(trusted) ?? 0) + 1);
      expect([TRUSTED_OLDER, TRUSTED_NEWER, ...REFUSALS]).toContain(trusted);
      // Once newer, always newer: the bound is far away.
      if (before === TRUSTED_NEWER) expect(trusted).toBe(TRUSTED_NEWER);
      if (before === TRUSTED_OLDER) expect([TRUSTED_OLDER, TRUSTED_NEWER]).toContain(trusted);
      before = trusted;
    }
  }
  for (const outcome of [TRUSTED_OLDER, TRUSTED_NEWER, 'feed_invalid']) {
    expect(counts.get(outcome)).toBeGreaterThan(50);
  }
}, 60_000);

interface Mixed {
  readonly sources: readonly Objects[];
  readonly names: readonly string[];
}

/** All objects of one publication, some of them replaced or changed. */
function mixture(random: Random, { sources, names }: Mixed): Objects {
  const pick = <T>(items: readonly T[]): T | undefined =>
    items[random.integer(0, items.length - 1)];
  const mixed = new Map(pick(sources));
  for (let changes = random.integer(0, 2); changes > 0; changes--) {
    const name = pick(names) ?? HEAD_OBJECT;
    const value = pick([...(pick(sources)?.values() ?? [])])?.slice() ?? new Uint8Array();
    if (random.chance(0.5)) {
      const index = random.integer(0, Math.max(0, value.length - 1));
      value[index] = (value[index] ?? 0) ^ (1 << random.integer(0, 7));
    }
    mixed.set(name, random.chance(0.2) ? value.slice(0, random.integer(0, value.length)) : value);
  }
  return mixed;
}
