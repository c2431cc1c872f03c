/**
 * Guarantee: processes on one PostgreSQL publish as one. One of them holds the lock; heads never regress;
 * whatever was committed before a stamp is in its head. The instances here share a test process;
 * test/e2e/several-control-planes.test.ts has real ones.
 */

import { connectPostgres } from '@cardea/control-plane/database/postgres';
import { FOR_GOOD } from '@cardea/shared/feed/entry';
import { HEAD_OBJECT } from '@cardea/shared/feed/head';
import { formatScopeId, scopeIdOfSigningKey } from '@cardea/shared/feed/scope-id';
import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  checkHeads,
  closeWorld,
  cutLockOff,
  headInKv,
  openWorld,
  publishing,
  readHead,
  revokeSomeKey,
  startInstance,
  storesOf,
  untilHeads,
  untilPublished,
  type World,
} from './publishing-instances.ts';

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => closeWorld(world));

describe('several instances', () => {
  test('publish as one, and what another one revokes is in the feed within a second or two', async () => {
    for (let count = 0; count < 3; count++) await startInstance(world);
    await untilHeads(world, 1);
    expect(await publishing(world)).toHaveLength(1);
    const [publisher] = await publishing(world);
    const other = world.instances.find((instance) => instance !== publisher);
    await untilHeads(world, 2);
    const { revocation, scopeId } = await revokeSomeKey(world);
    expect(await other?.publisher.announcer.announce([revocation])).toBe('acknowledged');
    await untilPublished(world, scopeId, 2500);
    await checkHeads(world);
    expect(await publishing(world)).toEqual([publisher]);
  });

  test('all answer for the feed, with what is committed and with numbers of one row', async () => {
    await startInstance(world);
    await startInstance(world);
    await untilHeads(world, 1);
    const { scopeId } = await revokeSomeKey(world);
    await new Promise((resolve) => setTimeout(resolve, 1100)); // No head is younger than a second.
    const served = await Promise.all(world.instances.map(({ publisher }) => publisher.feed.head()));
    const heads = await Promise.all(served.map((head) => readHead(head?.compactJws ?? '')));
    for (const { bounds } of heads) expect(bounds.get(scopeId)).toBe(FOR_GOOD);
    expect(new Set(heads.map(({ seq }) => seq)).size).toBe(2);
    for (const [index, { keysetHash }] of heads.entries()) {
      expect(world.kv.objects.has(`v1/keyset/${keysetHash}`)).toBe(true);
      const text = await world.instances[index]?.publisher.feed.keyset(keysetHash);
      expect(text).toBe(world.kv.objects.get(`v1/keyset/${keysetHash}`)?.value);
    }
  });

  test('go on when the lock is lost: one of them takes it, nothing regresses', async () => {
    for (let count = 0; count < 3; count++) await startInstance(world);
    await untilHeads(world, 1);
    const before = await revokeSomeKey(world);
    await untilPublished(world, before.scopeId);
    for (let cut = 0; cut < 2; cut++) {
      expect(await cutLockOff(world)).toBeGreaterThan(0);
      const { revocation, scopeId } = await revokeSomeKey(world);
      await world.instances[cut]?.publisher.announcer.announce([revocation]);
      await untilPublished(world, scopeId);
      expect((await headInKv(world)).bounds.get(before.scopeId)).toBe(FOR_GOOD);
      expect(await publishing(world)).toHaveLength(1);
    }
    await checkHeads(world);
  });

  test('stop in order: the last write is out, and another one takes over at once', async () => {
    const first = await startInstance(world);
    await untilHeads(world, 2);
    const second = await startInstance(world);
    const { revocation, scopeId } = await revokeSomeKey(world);
    await first.publisher.announcer.announce([revocation]);
    await first.close();
    expect((await headInKv(world)).bounds.get(scopeId)).toBe(FOR_GOOD);
    await expect
      .poll(async () => (await second.publisher.status()).isPublishing, { timeout: 4000 })
      .toBe(true);
    await untilHeads(world, 1);
    await checkHeads(world);
  });
});

describe('one instance', () => {
  test('writes nothing while it does not hold the lock', async () => {
    await startInstance(world);
    await untilHeads(world, 2);
    // Another one gets the lock as soon as it is free, and keeps it.
    const blocker = connectPostgres(world.database.url, { connectionsMax: 1 });
    const taken = blocker.sql`SELECT pg_advisory_lock(109270182159713::bigint)`.execute();
    await new Promise((resolve) => setTimeout(resolve, 200));
    await cutLockOff(world);
    await taken;
    const { length } = world.kv.writesOf(HEAD_OBJECT);
    await new Promise((resolve) => setTimeout(resolve, 2500));
    expect(world.kv.writesOf(HEAD_OBJECT).length).toBeLessThanOrEqual(length + 1);
    expect(await publishing(world)).toHaveLength(0);
    // And nobody vouches for the state of the database: no head is stamped.
    expect(await world.instances[0]?.publisher.feed.head()).toBeUndefined();
    await blocker.close();
    await untilHeads(world, 2);
    expect(await publishing(world)).toHaveLength(1);
  });

  test('takes up a row when it takes effect, between two heartbeats', async () => {
    await startInstance(world);
    await untilHeads(world, 2);
    const { revocation, scopeId } = await revokeSomeKey(world, { overlapSeconds: 3 });
    await world.instances[0]?.publisher.announcer.announce([revocation]);
    await untilHeads(world, 1);
    expect((await headInKv(world)).bounds.has(scopeId)).toBe(false);
    await untilPublished(world, scopeId);
  });

  test('retires a signing key that is revoked for good, and makes another', async () => {
    await startInstance(world);
    await untilHeads(world, 1);
    const { signingKeys } = await storesOf(world);
    const [leaked] = await signingKeys.list(DEFAULT_TENANT_ID);
    const scopeId = formatScopeId(await scopeIdOfSigningKey(leaked?.kid ?? ''));
    await world.database
      .sql`INSERT INTO revocations (revocation_id, nid, scope, scope_id, bound_s, cause,
        created_at_s, effective_at_s, expires_at_s)
      VALUES ('r', ${DEFAULT_TENANT_ID}, 'signing_key', ${scopeId}, ${FOR_GOOD}, 'test', 1, 1, 4000000000)`;
    await untilPublished(world, scopeId);
    const states = async () =>
      (await signingKeys.list(DEFAULT_TENANT_ID)).map(({ kid, state }) => [kid, state]);
    await expect.poll(states).toEqual([
      [leaked?.kid, 'retired'],
      [expect.any(String), 'pending'],
    ]);
    const newest = async () => {
      const rows = await world.database
        .sql`SELECT text FROM publisher_keysets ORDER BY position DESC`;
      return String(rows[0]?.text);
    };
    await expect.poll(newest).not.toContain(leaked?.kid ?? '');
  });
});
