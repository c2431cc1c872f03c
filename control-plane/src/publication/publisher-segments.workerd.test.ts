/**
 * Segments on the hub's real SQLite and real KV: what is in the storage is in every head, in objects that
 * have arrived or in the head itself (docs/feed.md), whatever fails.
 */

import { env } from 'cloudflare:workers';
import { HEAD_OBJECT, segmentObject } from '@cardea/shared/feed/head';
import { formatScopeId } from '@cardea/shared/feed/scope-id';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  commitRevocation,
  emptyWorld,
  headOf,
  publishedHead,
  servedHead,
  type TestPublisher,
  withPublisher,
} from '../../testing/publishers.ts';
import { entriesOf } from './segments/segment-content.ts';

beforeEach(emptyWorld);

const fresh = () => crypto.randomUUID();
const LIMITS = { tailAim: 2, tailMax: 40, flushMax: 8, segmentMax: 64 };
const tiny = () => ({ segmentLimits: LIMITS });

/** Entries of the hub's alone, that end at one time, by ascending scope. */
async function take(world: TestPublisher, count: number, changes: object = {}) {
  const expiresAtSeconds = Math.floor(world.clock.at / 1000) + 3600;
  const [high = 0] = crypto.getRandomValues(new Uint32Array(1));
  const entries = Array.from({ length: count }, (_, low) => {
    return { scopeId: { high, low }, boundSeconds: 7, expiresAtSeconds, ...changes };
  });
  await world.publisher.acknowledge(entries);
  return entries.map(({ scopeId }) => formatScopeId(scopeId));
}

async function cycle(world: TestPublisher, milliseconds = 1000) {
  world.clock.at += milliseconds;
  await world.publisher.runAlarm();
  return publishedHead(world);
}

const tailOf = ({ tail }: { tail: ReadonlyArray<{ scopeId: { high: number; low: number } }> }) =>
  tail.map(({ scopeId }) => formatScopeId(scopeId));

describe('a segment of the tail', () => {
  test('stands in the head as well until its object has been there for 120 s', async () => {
    await withPublisher(
      fresh(),
      async (world) => {
        const scopeIds = await take(world, 3);
        const first = await cycle(world);
        expect(tailOf(first)).toEqual(scopeIds);
        const [object] = world.writes.filter((name) => name.startsWith('v1/segment/'));
        expect(world.writes.at(-1)).toBe(object); // After the head: nobody waits for it.
        expect(await world.storage.apart.tailEntries({ afterScopeId: '', count: 9 })).toEqual([]);
        const before = await cycle(world, 118_000);
        expect(before.segments).toEqual([]);
        expect(tailOf(before)).toEqual(scopeIds);
        const after = await cycle(world, 3000);
        expect(after.segments.map(({ hash }) => segmentObject(hash))).toEqual([object]);
        expect(after.tail).toEqual([]);
        expect(after.scopeIds).toEqual(new Set(scopeIds));
        const asked = await servedHead(world);
        expect(asked.segmentHashes).toEqual(after.segments.map(({ hash }) => hash));
      },
      tiny,
    );
  });

  test('has entries of a whole bucket, not of a second of it', async () => {
    await withPublisher(
      fresh(),
      async ({ clock, publisher, storage }) => {
        const now = Math.floor(clock.at / 1000);
        const bucketSeconds = 14_400;
        const from = (Math.floor(now / bucketSeconds) + 1) * bucketSeconds;
        const ends = [from, from + 1, from + bucketSeconds - 1, from + bucketSeconds];
        await publisher.acknowledge(
          ends.map((expiresAtSeconds, low) => {
            return { scopeId: { high: 1, low }, boundSeconds: 7, expiresAtSeconds };
          }),
        );
        const { tail } = await storage.segments.state({ bucketSeconds, expiresAtSecondsMin: now });
        const bucket = from / bucketSeconds;
        expect(tail).toEqual([
          { bucket, entryCount: 3 },
          { bucket: bucket + 1, entryCount: 1 },
        ]);
      },
      tiny,
    );
  });

  test('lives in KV for as long as an edge may trust a head that names it', async () => {
    let ttlSeconds = 0;
    await withPublisher(
      fresh(),
      async (world) => {
        await take(world, 3);
        await cycle(world);
        // An hour, the skew, a bound of 120 + 60 s, and the shortest life that KV takes.
        expect(ttlSeconds).toBeGreaterThan(3600 + 60 + 180 + 60 - 10);
        expect(ttlSeconds).toBeLessThanOrEqual(3600 + 60 + 180 + 60);
      },
      (parts) => ({
        ...tiny(),
        feed: {
          ...parts.feed,
          writeSegment: async (...written: Parameters<typeof parts.feed.writeSegment>) => {
            ttlSeconds = written[2].ttlSeconds;
            await parts.feed.writeSegment(...written);
          },
        },
      }),
    );
  });

  test('never takes up a signing key, or the scope of everything', async () => {
    await withPublisher(
      fresh(),
      async (world) => {
        const kept = await take(world, 2, { staysInline: true });
        const moved = await take(world, 9);
        await cycle(world);
        await cycle(world, 121_000);
        const head = await cycle(world);
        expect(tailOf(head)).toEqual(expect.arrayContaining(kept));
        expect(head.scopeIds).toEqual(new Set([...kept, ...moved]));
        expect(head.segments.length).toBeGreaterThan(0);
        expect(await world.storage.revokedForGood(kept)).toEqual(new Set());
      },
      tiny,
    );
  });

  test('leaves alone what was raised while its hash was computed', async () => {
    await withPublisher(fresh(), async (world) => {
      const [low] = await take(world, 3);
      const [first] = await world.storage.apart.tailEntries({ afterScopeId: '', count: 9 });
      if (first === undefined) throw new Error('The tail is empty.');
      const raised = { ...first, boundSeconds: 99 };
      const bucketSeconds = 100_000;
      const bucket = Math.floor(raised.expiresAtSeconds / bucketSeconds);
      const flush = { bucket, bucketSeconds, entriesMax: 9, expiresAtSecondsMin: 0 };
      await Promise.all([
        world.storage.segments.flush(flush),
        world.storage.apart.takeEntries([raised]),
      ]);
      const tail = await world.storage.apart.tailEntries({ afterScopeId: '', count: 9 });
      expect(tail).toEqual([raised]);
      const [segment] = await world.storage.segments.present();
      expect(segment?.entryCount).toBe(3);
      expect(formatScopeId(raised.scopeId)).toBe(low);
    });
  });

  test('of an object that KV does not take holds no head up', async () => {
    const away = { isAway: true, calls: 0 };
    await withPublisher(
      fresh(),
      async (world) => {
        const scopeIds = await take(world, 3);
        const seqs = new Set<number>();
        for (let heads = 0; heads < 12; heads++) seqs.add((await cycle(world)).seq);
        expect(seqs.size).toBe(12);
        expect(away.calls).toBeLessThan(6); // Tried again at growing intervals.
        expect(world.logged).toContain('feed_segment_not_written');
        expect(tailOf(await cycle(world, 200_000))).toEqual(scopeIds);
        away.isAway = false;
        await cycle(world, 60_000);
        expect((await cycle(world, 121_000)).segments).toHaveLength(1);
      },
      (parts) => ({
        ...tiny(),
        feed: {
          ...parts.feed,
          writeSegment: (...written: Parameters<typeof parts.feed.writeSegment>) => {
            away.calls++;
            return away.isAway
              ? Promise.reject(new Error('429'))
              : parts.feed.writeSegment(...written);
          },
        },
      }),
    );
  });

  test('is written before the head if there is no room for its entries in the head', async () => {
    await withPublisher(
      fresh(),
      async (world) => {
        const scopeIds = await take(world, 100);
        const head = await cycle(world);
        expect(head.scopeIds).toEqual(new Set(scopeIds));
        expect(head.tail.length).toBeLessThanOrEqual(LIMITS.tailMax);
        const named = head.segments.map(({ hash }) => segmentObject(hash));
        expect(named.length).toBeGreaterThan(3);
        const headAt = world.writes.indexOf(HEAD_OBJECT);
        for (const name of named) expect(world.writes.indexOf(name)).toBeLessThan(headAt);
      },
      tiny,
    );
  });
});

describe('segments that become one', () => {
  test('are named until it has arrived, and served for a while after', async () => {
    await withPublisher(
      fresh(),
      async (world) => {
        // One end, so one bucket, whatever time it is.
        const expiresAtSeconds = Math.floor(world.clock.at / 1000) + 4000;
        const scopeIds: string[] = [];
        for (let count = 0; count < 4; count++) {
          scopeIds.push(...(await take(world, 3, { expiresAtSeconds })));
          await cycle(world, 125_000);
        }
        const parts = await cycle(world, 125_000);
        expect(parts.segments).toHaveLength(4);
        expect(parts.scopeIds).toEqual(new Set(scopeIds));
        const merged = await cycle(world, 125_000);
        expect(merged.segments).toHaveLength(1);
        expect(merged.scopeIds).toEqual(new Set(scopeIds));
        expect(merged.tail).toEqual([]);
        await cycle(world);
        const hash = parts.segments[0]?.hash ?? '';
        const content = (await world.storage.segments.content(hash)) ?? new Uint8Array();
        expect(entriesOf(content)).toHaveLength(3);
        await cycle(world, 3_700_000); // They end.
        expect(await world.storage.segments.content(hash)).toBeUndefined();
      },
      tiny,
    );
  });

  test('leave the feed when they are over, and the skew with them', async () => {
    await withPublisher(
      fresh(),
      async (world) => {
        const startedAt = world.clock.at;
        await take(world, 3);
        await cycle(world);
        expect((await cycle(world, 121_000)).segments).toHaveLength(1);
        world.clock.at = startedAt + 3_659_000;
        expect((await cycle(world, 0)).segments).toHaveLength(1);
        expect((await cycle(world, 2500)).segments).toEqual([]);
        expect(await world.storage.segments.present()).toEqual([]);
      },
      tiny,
    );
  });
});

describe('a storage that was lost', () => {
  test('takes the segments of KV over, and from the database what is in none of them', async () => {
    const rows: Array<Awaited<ReturnType<typeof commitRevocation>>> = [];
    await withPublisher(
      fresh(),
      async (world) => {
        for (let count = 0; count < 3; count++) rows.push(await commitRevocation());
        await cycle(world);
        await cycle(world, 121_000);
        rows.push(await commitRevocation());
        expect((await cycle(world)).segments).toHaveLength(1);
      },
      tiny,
    );
    rows.push(await commitRevocation()); // Of which no head tells.
    await env.DB.exec('UPDATE revocations SET acknowledged = 1');
    await withPublisher(
      fresh(),
      async (world) => {
        const head = await cycle(world, 130_000);
        expect(head.scopeIds).toEqual(new Set(rows.map(({ scopeId }) => scopeId)));
        expect(head.segments).toHaveLength(1);
        expect(tailOf(head)).toEqual(rows.slice(3).map(({ scopeId }) => scopeId));
        expect(world.writes.filter((name) => name.startsWith('v1/segment'))).toEqual([]);
      },
      tiny,
    );
  });
});

test('a restored database gets back what stands in segments as well', async () => {
  await withPublisher(
    fresh(),
    async (world) => {
      const rows: Array<Awaited<ReturnType<typeof commitRevocation>>> = [];
      for (let count = 0; count < 5; count++) rows.push(await commitRevocation());
      await cycle(world);
      rows.push(await commitRevocation());
      await cycle(world, 1500);
      await env.DB.exec('DELETE FROM revocations');
      await env.DB.exec('UPDATE publication_marks SET mark = 1000');
      await cycle(world, 1500);
      const back = await env.DB.prepare('SELECT scope_id FROM revocations ORDER BY 1').all();
      const scopeIds = rows.map(({ scopeId }) => scopeId).sort();
      expect(back.results.map((row) => row.scope_id)).toEqual(scopeIds);
      expect(await world.storage.apart.restorationProgress()).toBeUndefined();
    },
    tiny,
  );
});

test('rows tell the number of a written head that contains them', async () => {
  await withPublisher(fresh(), async (world) => {
    await cycle(world);
    const { row, scopeId } = await commitRevocation();
    await world.announcer.announce([row]);
    const read = 'SELECT published_seq FROM revocations WHERE scope_id = ?';
    const published = async () =>
      (await env.DB.prepare(read).bind(scopeId).first<{ published_seq: number }>())?.published_seq;
    expect(await published()).toBeNull();
    const head = await cycle(world);
    expect(head.scopeIds).toContain(scopeId);
    expect(await published()).toBe(head.seq);
    await cycle(world);
    expect(await published()).toBe(head.seq); // The first one stays.
    const asked = await headOf((await servedHead(world)).compactJws, world);
    expect(asked.seq).toBeGreaterThan(head.seq);
  });
});
