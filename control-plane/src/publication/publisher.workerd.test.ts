/** The single writer of the feed, on real storage, D1 and KV: docs/feed.md, invariant 4 above all. */

import { env } from 'cloudflare:workers';
import { HEAD_OBJECT, keysetObject } from '@cardea/shared/feed/head';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  commitRevocation,
  emptyWorld,
  findPublishedHead,
  headOf,
  publishedHead,
  servedHead,
  type TestPublisher,
  withPublisher,
} from '../../testing/publishers.ts';

beforeEach(emptyWorld);

/** A storage of its own for each test. */
const fresh = () => crypto.randomUUID();

/** The test's own process may not hold the clock still: D1 has another one. */
const advance = (world: TestPublisher, milliseconds: number) => {
  world.clock.at += milliseconds;
};

describe('a first start', () => {
  test('writes the keyset before the head that names it, and makes the first key active', async () => {
    await withPublisher(fresh(), async (world) => {
      await world.publisher.runAlarm();
      const head = await publishedHead(world);
      expect(world.writes).toEqual([keysetObject(head.keysetHash), HEAD_OBJECT]);
      const keys = await env.DB.prepare('SELECT state FROM signing_keys').all();
      expect(keys.results).toEqual([{ state: 'active' }]);
    });
  });

  test('takes the second keyset into use only when it has had time to arrive', async () => {
    await withPublisher(fresh(), async (world) => {
      await world.publisher.runAlarm();
      const first = await publishedHead(world);
      advance(world, 1000);
      await world.publisher.runAlarm(); // The key is active now, so the keyset is another one.
      const second = await publishedHead(world);
      expect(second.keysetHash).toBe(first.keysetHash);
      expect(world.writes.filter((name) => name !== HEAD_OBJECT)).toHaveLength(2);
      advance(world, 110_000);
      await world.publisher.runAlarm();
      expect((await publishedHead(world)).keysetHash).toBe(first.keysetHash);
      advance(world, 20_000);
      await world.publisher.runAlarm();
      const last = await publishedHead(world);
      expect(last.keysetHash).not.toBe(first.keysetHash);
      expect(await env.FEED.get(keysetObject(last.keysetHash), 'text')).toContain('"active"');
    });
  });

  test('publishes nothing while the database or KV cannot be read, and everything afterwards', async () => {
    const away = { isAway: true };
    const { row, scopeId } = await commitRevocation();
    await env.DB.exec('UPDATE revocations SET acknowledged = 1'); // By a hub that was lost.
    await withPublisher(
      fresh(),
      async (world) => {
        await world.publisher.runAlarm();
        expect(await findPublishedHead(world)).toBeUndefined();
        expect(world.logged).toContain('feed_not_published');
        expect(world.alarm.at).not.toBeNull();
        away.isAway = false;
        advance(world, 30_000);
        await world.publisher.runAlarm();
        expect((await publishedHead(world)).scopeIds).toContain(scopeId);
        expect(row.entry.boundSeconds).toBe(0xffffffff);
      },
      (parts) => ({
        truth: {
          ...parts.truth,
          revocations: {
            ...parts.truth.revocations,
            live: async (page: never) => {
              if (away.isAway) throw new Error('The database is away.');
              return parts.truth.revocations.live(page);
            },
          },
        },
      }),
    );
  });

  test('keeps what the head in KV promised, although storage and database are gone', async () => {
    const { row, scopeId } = await commitRevocation();
    let seq = 0;
    await withPublisher(fresh(), async (world) => {
      await world.publisher.acknowledge([{ ...row.entry, expiresAtSeconds: row.expiresAtSeconds }]);
      await world.publisher.runAlarm();
      seq = (await publishedHead(world)).seq;
    });
    await env.DB.exec('DELETE FROM revocations'); // A restore from before the revocation.
    await withPublisher(fresh(), async (world) => {
      advance(world, -3_600_000); // A clock that went back must not bring an old `seq` either.
      await world.publisher.runAlarm();
      const head = await publishedHead(world);
      expect(head.scopeIds).toContain(scopeId);
      expect(head.seq).toBeGreaterThan(seq);
    });
  });

  test.each([
    ['garbage', async () => 'not a head'],
    ['a head of another environment', foreignHead],
    ['a head of another feed key', async () => resigned(await foreignHead())],
  ])('goes on without %s in KV', async (_, makeText) => {
    await withPublisher(fresh(), async (world) => {
      await env.FEED.put(HEAD_OBJECT, await makeText());
      await world.publisher.runAlarm();
      expect((await publishedHead(world)).scopeIds.size).toBe(0);
    });
  });
});

/** A head with one entry, signed by our feed key for another environment. */
async function foreignHead(): Promise<string> {
  let text = '';
  const { row } = await commitRevocation();
  await env.DB.exec('DELETE FROM revocations');
  await withPublisher(
    fresh(),
    async (world) => {
      await world.publisher.acknowledge([{ ...row.entry, expiresAtSeconds: row.expiresAtSeconds }]);
      await world.publisher.runAlarm();
      text = (await env.FEED.get(HEAD_OBJECT, 'text')) ?? '';
    },
    () => ({ environmentId: 'elsewhere' }),
  );
  await emptyWorld();
  return text;
}

function resigned(text: string): string {
  const [header, payload, signature] = text.split('.');
  if (signature === undefined) throw new Error('Not a head.');
  return `${header}.${payload}.${signature.slice(0, -4)}AAAA`;
}

describe('acknowledging', () => {
  test('50 at once are one head, a second after the one before', async () => {
    await withPublisher(fresh(), async (world) => {
      await world.publisher.runAlarm();
      advance(world, 1000);
      await world.publisher.runAlarm();
      const headsBefore = world.writes.filter((name) => name === HEAD_OBJECT).length;
      const writtenAt = world.clock.at;
      const committed = await Promise.all(Array.from({ length: 50 }, () => commitRevocation()));
      const answers = await Promise.all(
        committed.map(({ row }) => world.announcer.announce([row])),
      );
      expect(new Set(answers)).toEqual(new Set(['acknowledged']));
      expect(world.alarm.at).toBeGreaterThanOrEqual(writtenAt + 900);
      world.clock.at = world.alarm.at ?? 0;
      await world.publisher.runAlarm();
      const head = await publishedHead(world);
      for (const { scopeId } of committed) expect(head.scopeIds).toContain(scopeId);
      expect(world.writes.filter((name) => name === HEAD_OBJECT)).toHaveLength(headsBefore + 1);
      // Nothing is waiting any more: the next one is a heartbeat.
      expect(world.alarm.at).toBeGreaterThan(world.clock.at + 29_000);
    });
  });

  test('during a head write brings a second head, not sooner than a second later', async () => {
    const late = await commitRevocation();
    await env.DB.exec('DELETE FROM revocations');
    let during: (() => Promise<void>) | undefined;
    await withPublisher(
      fresh(),
      async (world) => {
        await world.publisher.runAlarm();
        advance(world, 1000);
        during = async () => {
          const { expiresAtSeconds, entry } = late.row;
          await world.publisher.acknowledge([{ ...entry, expiresAtSeconds }]);
        };
        await world.publisher.runAlarm();
        const endedAt = world.clock.at;
        expect((await publishedHead(world)).scopeIds).not.toContain(late.scopeId);
        expect(world.alarm.at).toBeLessThanOrEqual(endedAt + 1000);
        expect(world.alarm.at).toBeGreaterThan(endedAt + 900);
        during = undefined;
        world.clock.at = world.alarm.at ?? 0;
        await world.publisher.runAlarm();
        expect((await publishedHead(world)).scopeIds).toContain(late.scopeId);
      },
      (parts) => ({
        feed: {
          ...parts.feed,
          readHead: () => parts.feed.readHead(),
          readSegment: (hash: string) => parts.feed.readSegment(hash),
          writeKeyset: (hash: string, text: string) => parts.feed.writeKeyset(hash, text),
          writeHead: async (text: string) => {
            await during?.();
            await parts.feed.writeHead(text);
          },
        },
      }),
    );
  });

  test('through an unreachable hub is accepted, and the next alarm picks the row up', async () => {
    await withPublisher(fresh(), async (world) => {
      await world.publisher.runAlarm();
      const { row, scopeId } = await commitRevocation();
      world.publisher.acknowledge = () => Promise.reject(new Error('unreachable'));
      expect(await world.announcer.announce([row])).toBe('accepted');
      world.restart();
      advance(world, 30_000);
      await world.publisher.runAlarm();
      expect((await publishedHead(world)).scopeIds).toContain(scopeId);
      const left = 'SELECT count(*) AS n FROM revocations WHERE acknowledged = 0';
      expect(await env.DB.prepare(left).first()).toEqual({ n: 0 });
    });
  });

  test('through a hub that never answers is accepted, too', async () => {
    await withPublisher(fresh(), async (world) => {
      const { row } = await commitRevocation();
      world.publisher.acknowledge = () => new Promise(() => {});
      expect(await world.announcer.announce([row])).toBe('accepted');
    });
  });

  test('never lowers a bound or an end that is there already', async () => {
    await withPublisher(fresh(), async (world) => {
      const { row, scopeId } = await commitRevocation();
      const { scopeId: id } = row.entry;
      const end = row.expiresAtSeconds;
      const boundSeconds = end - 100;
      await world.publisher.acknowledge([
        { scopeId: id, boundSeconds, expiresAtSeconds: end },
        { scopeId: id, boundSeconds: boundSeconds - 50, expiresAtSeconds: end - 50 },
      ]);
      await env.DB.exec('DELETE FROM revocations');
      await world.publisher.runAlarm();
      const head = await publishedHead(world);
      expect(head.tail).toEqual([{ scopeId: id, boundSeconds }]);
      world.clock.at = (end - 10) * 1000;
      await world.publisher.runAlarm();
      expect((await publishedHead(world)).scopeIds).toContain(scopeId);
    });
  });

  test('ends when no token can be matched any more, skew included', async () => {
    await withPublisher(fresh(), async (world) => {
      const { row, scopeId } = await commitRevocation();
      await world.announcer.announce([row]);
      await env.DB.exec('DELETE FROM revocations');
      world.clock.at = (row.expiresAtSeconds + 59) * 1000;
      await world.publisher.runAlarm();
      expect((await publishedHead(world)).scopeIds).toContain(scopeId);
      world.clock.at = (row.expiresAtSeconds + 62) * 1000;
      await world.publisher.runAlarm();
      expect((await publishedHead(world)).scopeIds).not.toContain(scopeId);
    });
  });
});

describe('heartbeats', () => {
  test.each([
    ['refuses', () => Promise.reject(new Error('The database is away.'))],
    ['hangs', () => new Promise(() => {})],
  ])(
    'go on while the database %s',
    async (_, answer) => {
      const away = { isAway: false };
      await withPublisher(
        fresh(),
        async (world) => {
          await world.publisher.runAlarm();
          const { row, scopeId } = await commitRevocation();
          await world.publisher.acknowledge([
            { ...row.entry, expiresAtSeconds: row.expiresAtSeconds },
          ]);
          away.isAway = true;
          const before = await publishedHead(world);
          advance(world, 30_000);
          await world.publisher.runAlarm();
          const head = await publishedHead(world);
          expect(head.issuedAtSeconds).toBeGreaterThanOrEqual(before.issuedAtSeconds + 30);
          expect(head.scopeIds).toContain(scopeId);
          expect(world.logged).toContain('feed_not_synchronised');
        },
        (parts) => ({
          truth: {
            ...parts.truth,
            revocations: {
              ...parts.truth.revocations,
              unacknowledged: (count: number) =>
                away.isAway ? answer() : parts.truth.revocations.unacknowledged(count),
              live: (page: never) => parts.truth.revocations.live(page),
              markAcknowledged: (ids: never) => parts.truth.revocations.markAcknowledged(ids),
            },
          },
        }),
      );
    },
    15_000,
  );

  test('back off while KV fails, and never faster than once a second', async () => {
    const away = { isAway: false };
    await withPublisher(
      fresh(),
      async (world) => {
        await world.publisher.runAlarm();
        away.isAway = true;
        const delays = [];
        for (let failures = 0; failures < 8; failures++) {
          world.clock.at = world.alarm.at ?? 0;
          await world.publisher.runAlarm();
          delays.push((world.alarm.at ?? 0) - world.clock.at);
        }
        expect(Math.min(...delays)).toBeGreaterThanOrEqual(990);
        expect(Math.max(...delays)).toBeLessThanOrEqual(30_000);
        expect(delays.at(-1)).toBeGreaterThan(20_000);
        // Whoever acknowledges now does not make it try sooner.
        const { row } = await commitRevocation();
        const alarmAt = world.alarm.at;
        await world.announcer.announce([row]);
        expect(world.alarm.at).toBe(alarmAt);
        away.isAway = false;
        world.clock.at = world.alarm.at ?? 0;
        await world.publisher.runAlarm();
        expect((await publishedHead(world)).scopeIds.size).toBe(1);
      },
      (parts) => ({
        feed: {
          ...parts.feed,
          readHead: () => parts.feed.readHead(),
          readSegment: (hash: string) => parts.feed.readSegment(hash),
          writeKeyset: (hash: string, text: string) => parts.feed.writeKeyset(hash, text),
          writeHead: (text: string) =>
            away.isAway ? Promise.reject(new Error('429')) : parts.feed.writeHead(text),
        },
      }),
    );
  });

  test('keep the sequence growing over restarts and a clock that goes back', async () => {
    await withPublisher(fresh(), async (world) => {
      let seq = 0;
      for (const step of [0, 30_000, -600_000, 1000, -1, 30_000]) {
        advance(world, step);
        world.restart();
        await world.publisher.runAlarm();
        const head = await publishedHead(world);
        expect(head.seq).toBeGreaterThan(seq);
        seq = head.seq;
      }
    });
  });

  test('leave an alarm behind at whatever call the process dies', async () => {
    await withPublisher(fresh(), async (world) => {
      const { alarm, clock, faults } = world;
      await world.publisher.runAlarm();
      let crashes = 0;
      for (let n = 2; n < 200; n++) {
        alarm.at = null; // The runtime has taken it: it is what runs now.
        clock.at += 30_000;
        Object.assign(faults, { calls: 0, failAt: n });
        await world.publisher.runAlarm().catch(() => {
          crashes++;
          world.restart();
        });
        expect(alarm.at).not.toBeNull();
        if (faults.calls < n) break; // The clean run.
      }
      expect(crashes).toBeGreaterThan(0);
    });
  });
});

describe('a head for whoever asks', () => {
  test('is none before the first one is in KV', async () => {
    await withPublisher(fresh(), async (world) => {
      expect(await world.publisher.head()).toBeUndefined();
    });
  });

  test('is stamped anew after a second, without a write, and has what was just acknowledged', async () => {
    await withPublisher(fresh(), async (world) => {
      await world.publisher.runAlarm();
      const writes = world.writes.length;
      const first = await servedHead(world);
      const { row, scopeId } = await commitRevocation();
      await world.announcer.announce([row]);
      expect(await world.publisher.head()).toBe(first);
      advance(world, 1000);
      const second = await servedHead(world);
      expect((await headOf(second.compactJws, world)).scopeIds).toContain(scopeId);
      expect(second.seq).toBeGreaterThan(first.seq);
      expect(world.writes).toHaveLength(writes);
    });
  });

  test('names a keyset that was written, never the one that is due next', async () => {
    await withPublisher(fresh(), async (world) => {
      await world.publisher.runAlarm(); // Leaves a newer keyset behind, not written yet.
      advance(world, 300_000);
      const asked = await servedHead(world);
      const head = await headOf(asked.compactJws, world);
      expect(world.writes).toContain(keysetObject(head.keysetHash));
      expect(await world.storage.keyset(head.keysetHash)).toBeDefined();
    });
  });

  test('and one in KV never share a sequence number', async () => {
    await withPublisher(fresh(), async (world) => {
      world.clock.tick = 0; // Everything in one millisecond.
      await world.publisher.runAlarm();
      const seqs = new Set<number>();
      const texts = new Set<string>();
      const note = async (text: string | null) => {
        if (text === null) return;
        seqs.add((await headOf(text, world)).seq);
        texts.add(text);
      };
      await note(await env.FEED.get(HEAD_OBJECT, 'text'));
      for (let i = 0; i < 5; i++) {
        world.restart();
        const [asked] = await Promise.all([world.publisher.head(), world.publisher.runAlarm()]);
        await note(asked?.compactJws ?? null);
        await note(await env.FEED.get(HEAD_OBJECT, 'text'));
      }
      expect(seqs.size).toBe(texts.size);
      expect(seqs.size).toBeGreaterThan(5);
    });
  });
});
