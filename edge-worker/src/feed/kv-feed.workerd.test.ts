/**
 * The feed in a real KV namespace (the local one: it shows writes at once; delay and loss are the
 * simulation's business). Whatever stands in KV, an edge keeps its snapshot or refuses.
 */

import { env } from 'cloudflare:workers';
import { HEAD_OBJECT, keysetObject } from '@cardea/shared/feed/head';
import { entry } from '@cardea/shared/feed/testing/feed-fixture';
import type { Result } from '@cardea/shared/result';
import { refuse } from '@cardea/shared/result';
import { beforeEach, describe, expect, test } from 'vitest';
import type { EdgeFeed, TrustedSnapshot } from './edge-feed.ts';
import { FeedUnreadable } from './feed-source.ts';
import { createKvFeedSource } from './kv-feed-source.ts';
import {
  edgeFeedOf,
  foreignFeedKey,
  otherTokenKey,
  requestAt,
  ScriptedFeed,
  START_SECONDS,
  tokenKey,
} from './testing/scripted-feed.ts';

const CLOSED = { openForSeconds: 0 };
const kv = (env as unknown as { readonly FEED: KVNamespace }).FEED;
const source = createKvFeedSource(kv);

/** Publishes through `feed` and copies what it wrote to KV. */
async function publish(feed: ScriptedFeed, ...content: Parameters<ScriptedFeed['publish']>) {
  const head = await feed.publish(...content);
  for (const [name, bytes] of feed.objects) await kv.put(name, bytes);
  await kv.put(HEAD_OBJECT, feed.head ?? '');
  return head;
}

function edgeOn(feed: ScriptedFeed): EdgeFeed {
  return edgeFeedOf({
    source,
    get now() {
      return feed.now;
    },
  });
}

async function ask(edge: EdgeFeed, feed: ScriptedFeed): Promise<Result<TrustedSnapshot>> {
  const request = requestAt(feed.now);
  const answer = await edge.snapshot(request, CLOSED);
  await request.settle();
  return answer;
}

const at = (seq: number) => ({ ok: true, value: { degraded: false, snapshot: { seq } } });
const FIRST = at(START_SECONDS * 1000);

let feed: ScriptedFeed;
/** An edge that has loaded the first head. */
let edge: EdgeFeed;
beforeEach(async () => {
  const { keys } = await kv.list();
  for (const { name } of keys) await kv.delete(name);
  feed = new ScriptedFeed();
  await publish(feed, { segments: [[entry(1, 1)]], changes: { tail: [entry(2, 2, 7)] } });
  edge = edgeOn(feed);
  expect(await ask(edge, feed)).toMatchObject(FIRST);
});

test('an edge finds keys, segments and tail, and later the next head', async () => {
  const answer = await ask(edge, feed);
  const snapshot = answer.ok ? answer.value.snapshot : undefined;
  expect([...(snapshot?.jwtKeys.keys() ?? [])]).toEqual([tokenKey.kid]);
  expect(snapshot?.revocations.boundOf({ high: 1, low: 1 })).toBe(0xffffffff);
  expect(snapshot?.revocations.boundOf({ high: 2, low: 2 })).toBe(7);
  feed.nowSeconds += 10;
  const { seq } = await publish(feed, { keys: [otherTokenKey] });
  await ask(edge, feed);
  expect(await ask(edge, feed)).toMatchObject(at(seq));
});

describe('a writer of KV', () => {
  const FORGERIES: ReadonlyArray<readonly [string, string, () => Promise<unknown>]> = [
    [
      'signs with a key of its own',
      'head_key_unknown',
      () => publish(feed, { signer: foreignFeedKey, keys: [otherTokenKey] }),
    ],
    [
      'names the pinned key in a head of its own',
      'head_signature',
      async () => {
        const [header] = (feed.head ?? '').split('.');
        await feed.publish({ signer: foreignFeedKey });
        const [, payload, signature] = (feed.head ?? '').split('.');
        await kv.put(HEAD_OBJECT, `${header}.${payload}.${signature}`);
      },
    ],
    [
      'copies the head of another environment',
      'head_environment',
      () => publish(feed, { changes: { environmentId: 'staging' } }),
    ],
    [
      'puts a former head back',
      'head_older',
      () => publish(feed, { changes: { seq: START_SECONDS * 1000 - 1 } }),
    ],
    [
      'replaces the keyset',
      'keyset_hash',
      async () => {
        const { keysetHash } = await publish(feed, { keys: [otherTokenKey] });
        const other = await publish(feed, { keys: [tokenKey] });
        const bytes = await kv.get(keysetObject(other.keysetHash), 'arrayBuffer');
        await kv.put(keysetObject(keysetHash), bytes ?? '');
        await publishHeadOnly({ keys: [otherTokenKey] });
      },
    ],
    [
      'deletes the keyset',
      'keyset_missing',
      async () => {
        const { keysetHash } = await publish(feed, { keys: [otherTokenKey] });
        await kv.delete(keysetObject(keysetHash));
      },
    ],
    ['deletes the head', 'head_missing', () => kv.delete(HEAD_OBJECT)],
    ['empties the head', 'head_not_compact', () => kv.put(HEAD_OBJECT, '')],
    [
      'writes bytes that are no text',
      'head_not_compact',
      () => kv.put(HEAD_OBJECT, Uint8Array.of(255)),
    ],
  ];

  async function publishHeadOnly(...content: Parameters<ScriptedFeed['publish']>) {
    await feed.publish(...content);
    await kv.put(HEAD_OBJECT, feed.head ?? '');
  }

  test.each(FORGERIES)('that %s leaves the old snapshot, then a refusal (%s)', async (...args) => {
    const [, rule, plant] = args;
    feed.nowSeconds += 10;
    await plant();
    expect(await ask(edge, feed)).toMatchObject(FIRST);
    expect(await ask(edge, feed)).toMatchObject(FIRST);
    expect(edge.status(feed.now)).toMatchObject({ lastError: rule });
    feed.nowSeconds = START_SECONDS + 120;
    const reason = /missing|older/.test(rule) ? 'feed_stale' : 'feed_invalid';
    expect(await ask(edge, feed)).toEqual(refuse(reason, { rule }));
  });

  test.each(FORGERIES)(
    'that %s gets nothing from an edge that just started (%s)',
    async (...args) => {
      const [, rule, plant] = args;
      await plant();
      const answer = await ask(edgeOn(feed), feed);
      // A former head is not known to be one by who has seen no other: its age is its limit.
      if (rule === 'head_older') expect(answer).toMatchObject(at(START_SECONDS * 1000 - 1));
      else expect(answer).toMatchObject({ ok: false, refusal: { evidence: { rule } } });
    },
  );

  test('that changes a byte gets a refusal from an edge that just started', async () => {
    const head = feed.head ?? '';
    const named = [...feed.objects].find(([name]) => name.includes('keyset'));
    if (named === undefined) throw new Error('There is no keyset.');
    const [keysetName, keyset] = named;
    for (const position of sampled(head.length)) {
      const other = head[position] === 'A' ? 'B' : 'A';
      await kv.put(HEAD_OBJECT, head.slice(0, position) + other + head.slice(position + 1));
      const answer = await ask(edgeOn(feed), feed);
      expect(answer).toMatchObject({ ok: false, refusal: { reason: 'feed_invalid' } });
    }
    await kv.put(HEAD_OBJECT, head);
    for (const position of sampled(keyset.length)) {
      const changed = Uint8Array.from(keyset);
      changed[position] = (changed[position] ?? 0) ^ 0x20;
      await kv.put(keysetName, changed);
      const answer = await ask(edgeOn(feed), feed);
      expect(answer).toEqual(refuse('feed_invalid', { rule: 'keyset_hash' }));
    }
    await kv.put(keysetName, keyset);
    expect(await ask(edgeOn(feed), feed)).toMatchObject(FIRST);
  });
});

/** About sixty places over the whole length; the unit tests of the codecs try every one. */
function sampled(length: number): number[] {
  const step = Math.ceil(length / 60);
  return Array.from({ length: Math.ceil(length / step) }, (_, index) => index * step);
}

describe('a read of KV', () => {
  const stub = (get: () => Promise<unknown>) =>
    createKvFeedSource({ get } as unknown as KVNamespace);

  test('that fails is an outage, typed', async () => {
    const failing = stub(() => Promise.reject(new Error('KV GET failed: 500')));
    await expect(failing.readHead()).rejects.toEqual(new FeedUnreadable('read_failed'));
    await expect(failing.readObject('v1/x')).rejects.toBeInstanceOf(FeedUnreadable);
  });

  test('that never comes back times out', async () => {
    const hanging = stub(() => new Promise(() => undefined));
    await expect(hanging.readHead()).rejects.toMatchObject({ code: 'read_timeout' });
  });

  test('that misses an object looks again for newer data', async () => {
    const asked: unknown[] = [];
    const get = async (_name: string, options: { readonly cacheTtl: number }) => {
      asked.push(options.cacheTtl);
      return asked.length === 1 ? null : new ArrayBuffer(1);
    };
    const bytes = await createKvFeedSource({ get } as unknown as KVNamespace).readObject('v1/x');
    expect(bytes?.byteLength).toBe(1);
    expect(asked).toEqual([86_400, 30]);
  });
});
