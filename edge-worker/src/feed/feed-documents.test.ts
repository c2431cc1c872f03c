/** Guarantee: what does not verify changes nothing, and what an edge holds are its own keys alone. */

import type { EdgeIdentity } from '@cardea/shared/feed/sealed-key';
import { entry } from '@cardea/shared/feed/testing/feed-fixture';
import {
  edgeWithOtherSecret,
  otherEdge,
  sealedKeyOf,
  testEdge,
} from '@cardea/shared/feed/testing/sealed-key-fixture';
import { refuse } from '@cardea/shared/result';
import { describe, expect, test } from 'vitest';
import {
  ask,
  CLOSED,
  edgeFeedOf,
  FIRST,
  foreignFeedKey,
  fresh,
  loaded,
  otherTokenKey,
  requestAt,
  type ScriptedEdge,
  ScriptedFeed,
  START_SECONDS,
  tokenKey,
} from './testing/scripted-feed.ts';

describe('a document that is not to be believed', () => {
  type Both = ScriptedEdge;
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
