/** What the publisher takes from the database, and from a head in KV after its storage was lost. */

import { env } from 'cloudflare:workers';
import { encodeEntries } from '@cardea/shared/feed/entry';
import { HEAD_OBJECT, segmentObject } from '@cardea/shared/feed/head';
import { objectHash } from '@cardea/shared/feed/object-hash';
import { formatScopeId, scopeIdOfSigningKey } from '@cardea/shared/feed/scope-id';
import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  commitRevocation,
  emptyWorld,
  publishedHead,
  type TestPublisher,
  withPublisher,
} from '../../testing/publishers.ts';

beforeEach(emptyWorld);

const fresh = () => crypto.randomUUID();

async function cycle(world: TestPublisher, milliseconds = 30_000): Promise<void> {
  world.clock.at += milliseconds;
  await world.publisher.runAlarm();
}

describe('the audit log', () => {
  test('has its newest seal in the head, and in the storage that the next call starts from', async () => {
    const asked: Array<string | undefined> = [];
    let answer: () => Promise<string | undefined> = async () => '1.first';
    const changes = (parts: { truth: object }) => ({
      truth: {
        ...parts.truth,
        sealAudit: async (known: string | undefined) => {
          asked.push(known);
          return answer();
        },
      },
    });
    await withPublisher(
      fresh(),
      async (world) => {
        await cycle(world);
        expect((await publishedHead(world)).auditSeal).toBe('1.first');
        world.restart();
        answer = async () => '2.second';
        await cycle(world);
        expect(asked.at(-1)).toBe('1.first');
        expect((await publishedHead(world)).auditSeal).toBe('2.second');
        const hostile: Array<typeof answer> = [
          () => Promise.reject(new Error('away')),
          () => new Promise(() => {}),
          async () => 'no seal\n',
          async () => undefined,
        ];
        for (answer of hostile) {
          const { seq } = await publishedHead(world);
          await cycle(world);
          const head = await publishedHead(world);
          expect(head.seq).toBeGreaterThan(seq);
          expect(head.auditSeal).toBe('2.second');
        }
      },
      changes as never,
    );
  }, 20_000);
});

test('an alarm that ends in the middle leaves one behind that is sooner than a heartbeat', async () => {
  const crash = { isDue: false };
  await withPublisher(
    fresh(),
    async (world) => {
      await cycle(world);
      crash.isDue = true;
      await expect(cycle(world)).rejects.toThrow('in the middle');
      expect(world.alarm.at).toBeLessThanOrEqual(world.clock.at + 5000);
      crash.isDue = false;
      await cycle(world);
      expect(world.alarm.at).toBeGreaterThan(world.clock.at + 29_000);
    },
    () => ({
      random: () => {
        if (crash.isDue) throw new Error('The process ended in the middle of an alarm.');
        return 0;
      },
    }),
  );
});

test.each([
  ['there is none', null, true],
  ['it is long over', -61_000, true],
  ['it is further off than a heartbeat: the former one was longer', 31_000, true],
  ['it is within a heartbeat', 29_000, false],
])('a poke sets an alarm if %s', async (_, alarmIn, isSet) => {
  await withPublisher(fresh(), async (world) => {
    await cycle(world);
    world.clock.at += 5000;
    const at = alarmIn === null ? null : world.clock.at + alarmIn;
    world.alarm.at = at;
    await world.publisher.poke({ soon: false });
    if (isSet) expect(world.alarm.at).toBeLessThan(world.clock.at + 1000);
    else expect(world.alarm.at).toBe(at);
  });
});

describe('a row that takes effect later', () => {
  test('is looked for when it is due, not a heartbeat later', async () => {
    await withPublisher(fresh(), async (world) => {
      await cycle(world, 0);
      await cycle(world, 1000);
      const { scopeId } = await commitRevocation();
      await env.DB.exec('UPDATE revocations SET effective_at_s = unixepoch() + 2');
      world.clock.at = Date.now();
      await cycle(world, 0);
      expect((await publishedHead(world)).scopeIds).not.toContain(scopeId);
      expect(world.alarm.at).toBeGreaterThan(world.clock.at + 1000);
      expect(world.alarm.at).toBeLessThan(world.clock.at + 5000);
      await new Promise((resolve) => setTimeout(resolve, (world.alarm.at ?? 0) - Date.now()));
      world.clock.at = Date.now();
      await cycle(world, 0);
      expect((await publishedHead(world)).scopeIds).toContain(scopeId);
    });
  });
});

describe('the keyset', () => {
  const newest = async (world: TestPublisher) => {
    for (let cycles = 0; cycles < 8; cycles++) await cycle(world);
    const { keysetHash } = await publishedHead(world);
    return JSON.parse((await env.FEED.get(`v1/keyset/${keysetHash}`, 'text')) ?? '').keys;
  };

  test('loses a key that is revoked for good, and keeps it out after its entry has ended', async () => {
    await withPublisher(fresh(), async (world) => {
      await cycle(world);
      const [leaked] = await newest(world);
      const entry = { scopeId: await scopeIdOfSigningKey(leaked.kid), boundSeconds: 0xffffffff };
      const expiresAtSeconds = Math.floor(world.clock.at / 1000) + 600;
      await world.publisher.acknowledge([{ ...entry, expiresAtSeconds }]);
      const after = await newest(world);
      expect(after.map(({ kid }: { kid: string }) => kid)).not.toContain(leaked.kid);
      expect(after).toHaveLength(1);
      await cycle(world, 700_000);
      expect((await publishedHead(world)).scopeIds.size).toBe(0);
      const later = await newest(world);
      expect(later.map(({ kid }: { kid: string }) => kid)).not.toContain(leaked.kid);
      const states = await env.DB.prepare(
        'SELECT state, sealed_private_jwk FROM signing_keys',
      ).all();
      expect(states.results).toContainEqual({ state: 'retired', sealed_private_jwk: '' });
    });
  });

  test('loses the keys of a tenant that is gone', async () => {
    const other = { tenantId: crypto.randomUUID(), issuer: 'https://t', audience: 'https://t' };
    const gone = { isGone: false };
    const changes = (parts: { truth: { tenants(): Promise<object[]> } }) => ({
      truth: {
        ...parts.truth,
        tenants: async () => [...(await parts.truth.tenants()), ...(gone.isGone ? [] : [other])],
      },
    });
    await withPublisher(
      fresh(),
      async (world) => {
        await cycle(world);
        const tenants = async () =>
          (await newest(world)).map(({ nid }: { nid: string }) => nid).sort();
        expect(await tenants()).toEqual([DEFAULT_TENANT_ID, other.tenantId].sort());
        gone.isGone = true;
        expect(await tenants()).toEqual([DEFAULT_TENANT_ID]);
      },
      changes as never,
    );
  });
});

describe('segments that the head in KV names', () => {
  const entries = [
    { scopeId: { high: 1, low: 2 }, boundSeconds: 7 },
    { scopeId: { high: 0xffffffff, low: 0xfffffffe }, boundSeconds: 0xffffffff },
  ];

  /** A head with a segment, as a publisher that makes them would write it. */
  async function publishSegment(world: TestPublisher, bytes: Uint8Array | undefined) {
    const hash = await objectHash(encodeEntries(entries));
    const seq = Date.now() - 1000;
    const segments = [{ hash, entryCount: 2, expiresAtSeconds: 4_000_000_000 }];
    const head = {
      ...{
        environmentId: env.ENVIRONMENT_ID,
        seq,
        issuedAtSeconds: 1,
        tail: encodeEntries([]),
        segments,
      },
      ...{ keysetHash: '0'.repeat(64), auditSeal: '9.kept' },
    };
    await env.FEED.put(HEAD_OBJECT, await world.parts.signHead(head as never));
    if (bytes !== undefined) await env.FEED.put(segmentObject(hash), bytes);
  }

  test('are taken over as they are by a storage that was lost, and the seal with them', async () => {
    await withPublisher(fresh(), async (world) => {
      await publishSegment(world, encodeEntries(entries));
      const sealed = world.parts.truth.sealAudit;
      Object.assign(world.parts.truth, { sealAudit: async (known: string) => known });
      await cycle(world);
      Object.assign(world.parts.truth, { sealAudit: sealed });
      const head = await publishedHead(world);
      expect(head.entries).toEqual(entries);
      expect(head.tail).toEqual([]);
      const names = head.segments.map(({ hash }) => segmentObject(hash));
      expect(names).toHaveLength(1);
      expect(world.writes).not.toContain(names[0]);
      expect(head.auditSeal).toBe('9.kept');
    });
  });

  test.each([
    ['missing', undefined],
    ['other than their name says', encodeEntries([...entries].slice(0, 1))],
  ])('hold the feed back while they are %s', async (_, bytes) => {
    await withPublisher(fresh(), async (world) => {
      await publishSegment(world, bytes);
      const before = await env.FEED.get(HEAD_OBJECT, 'text');
      await cycle(world);
      expect(await env.FEED.get(HEAD_OBJECT, 'text')).toBe(before);
      expect(world.logged).toContain('feed_not_published');
      await publishSegment(world, encodeEntries(entries));
      await cycle(world);
      expect((await publishedHead(world)).scopeIds).toContain(formatScopeId({ high: 1, low: 2 }));
    });
  });
});
