/** The contract of `ApiKeyStore`: inserting, reading, listing, touching. Changes are in a file of their own. */

import { unixMilliseconds } from '@cardea/shared/time';
import { describe, expect, test } from 'vitest';
import { statusOf } from '../../src/api-keys/status.ts';
import type { InsertOutcome } from '../../src/api-keys/store.ts';
import {
  allAtOnce,
  deletionOf,
  insertion,
  newId,
  newImportedId,
  newKey,
  replacementOf,
  revocationOf,
  tally,
  updateOf,
} from './fixtures.ts';
import { countAll, countRows, type Subject } from './subject.ts';

const outcomesOf = (outcomes: readonly InsertOutcome[]) => outcomes.map(({ outcome }) => outcome);

export function testKeyInsertion(subject: () => Subject): void {
  describe('inserting an API key', () => {
    test('keeps every member as it is, and dates it by the database', async () => {
      const { stores } = subject();
      const metadata = JSON.parse('{"__proto__":{"a":1},"z":[null,1.5,"\\u0000é"],"a":{}}');
      const key = newKey(newId(), {
        name: 'Ünïcode "quoted" \\ \u{1f511}',
        scopes: ['b', 'a', 'b'],
        metadata,
        rateLimitPolicy: { quota: '9223372036854775807', windowSeconds: 60 },
        allowedCidrs: ['192.0.2.0/24', '2001:db8::/32'],
        visibility: 'public',
        secretHash: 'ab'.repeat(32),
        ttlSeconds: 1.5,
      });
      const inserted = await stores.apiKeys.insert(insertion(key));
      if (inserted.outcome !== 'inserted') throw new Error(inserted.outcome);
      const { secretHash, ttlSeconds: _, ...members } = key;
      const { createTime } = inserted.key;
      expect(inserted.key).toEqual({
        ...members,
        ...{ state: 'active', revision: 1, createTime, updateTime: createTime },
        expireTime: createTime + 1500,
      });
      expect(JSON.stringify(inserted.key.metadata)).toBe(JSON.stringify(metadata));
      const found = await stores.apiKeys.find(key.tenantId, key.keyId);
      expect(found).toMatchObject({ key: inserted.key, secretHash });
      expect(found?.now).toBeGreaterThanOrEqual(createTime);
      expect(Math.abs(createTime - Date.now())).toBeLessThan(60_000);
    });

    test('without a ttl it never expires', async () => {
      const { stores } = subject();
      const { ttlSeconds: _, ...eternal } = newKey(newId());
      const inserted = await stores.apiKeys.insert(insertion(eternal));
      expect(inserted).toMatchObject({ outcome: 'inserted', key: { keyId: eternal.keyId } });
      expect(inserted.outcome === 'inserted' && 'expireTime' in inserted.key).toBe(false);
    });

    test('leaves one audit event, as it was made', async () => {
      const { stores } = subject();
      const { key, audit } = insertion(newKey(newId()));
      await stores.apiKeys.insert({ key, audit });
      const { events } = await stores.audit.list({ tenantId: key.tenantId, pageSize: 9 });
      expect(events).toEqual([{ ...audit, time: events[0]?.time }]);
    });

    test('under one request id happens once, and is replayed after', async () => {
      const { stores } = subject();
      const tenantId = newId();
      const idempotency = { requestId: 'r', requestHash: 'h' };
      const first = await stores.apiKeys.insert(insertion(newKey(tenantId), { idempotency }));
      const before = await countAll(subject());
      const again = await stores.apiKeys.insert(insertion(newKey(tenantId), { idempotency }));
      const other = { ...idempotency, requestHash: 'other' };
      const reused = await stores.apiKeys.insert(
        insertion(newKey(tenantId), { idempotency: other }),
      );
      expect([first, again, reused].map(({ outcome }) => outcome)).toEqual([
        ...['inserted', 'replayed', 'request_id_reused'],
      ]);
      expect(again.outcome === 'replayed' && again.key).toEqual('key' in first && first.key);
      expect(await countAll(subject())).toEqual(before);
    });

    test('a request id counts for one tenant and one kind', async () => {
      const { stores } = subject();
      const idempotency = { requestId: 'r', requestHash: 'h' };
      const tenantId = newId();
      const imported = { kind: 'imported', keyId: newImportedId() } as const;
      const keys = [newKey(tenantId), newKey(newId()), newKey(tenantId, imported)];
      for (const key of keys) {
        const { outcome } = await stores.apiKeys.insert(insertion(key, { idempotency }));
        expect(outcome).toBe('inserted');
      }
    });

    test('a request id whose key is gone is reused', async () => {
      const { stores } = subject();
      const idempotency = { requestId: 'r', requestHash: 'h' };
      const key = newKey(newId(), { kind: 'imported', keyId: newImportedId() });
      await stores.apiKeys.insert(insertion(key, { idempotency }));
      await stores.apiKeys.delete(deletionOf(key));
      const again = await stores.apiKeys.insert(insertion(key, { idempotency }));
      expect(again).toEqual({ outcome: 'request_id_reused' });
    });

    test('of an id that is taken is refused, and leaves no trace', async () => {
      const { stores } = subject();
      const key = newKey(newId(), { kind: 'imported', keyId: newImportedId() });
      await stores.apiKeys.insert(insertion(key));
      const before = await countAll(subject());
      const idempotency = { requestId: 'r', requestHash: 'h' };
      // Even where there is no place: that it exists comes first.
      const again = insertion({ ...key, name: 'other' }, { idempotency, keysMax: 1 });
      expect(await stores.apiKeys.insert(again)).toEqual({ outcome: 'exists' });
      expect(await countAll(subject())).toEqual(before);
      expect((await stores.apiKeys.find(key.tenantId, key.keyId))?.key.name).toBe('n');
    });
  });
}

export function testKeyQuota(subject: () => Subject): void {
  describe('the quota of API keys', () => {
    test('counts every kind that is not revoked, expired ones too, and leaves no trace', async () => {
      const { stores, run } = subject();
      const tenantId = newId();
      const expired = newKey(tenantId);
      const imported = newKey(tenantId, { kind: 'imported', keyId: newImportedId() });
      for (const key of [expired, imported, newKey(newId())]) {
        await stores.apiKeys.insert(insertion(key));
      }
      await run(`UPDATE api_keys SET expire_time_ms = 1 WHERE key_id = '${expired.keyId}'`);
      const before = await countAll(subject());
      const idempotency = { requestId: 'r', requestHash: 'h' };
      const refused = insertion(newKey(tenantId), { idempotency, keysMax: 2 });
      expect(await stores.apiKeys.insert(refused)).toEqual({ outcome: 'quota_exceeded' });
      expect(await countAll(subject())).toEqual(before);
      await stores.apiKeys.revoke(revocationOf(imported));
      expect((await stores.apiKeys.insert(refused)).outcome).toBe('inserted');
      // A replay makes no key.
      const replay = insertion(newKey(tenantId), { idempotency, keysMax: 1 });
      expect((await stores.apiKeys.insert(replay)).outcome).toBe('replayed');
    });

    test('of a rotation counts only with an overlap', async () => {
      const { stores } = subject();
      const key = newKey(newId());
      await stores.apiKeys.insert(insertion(key));
      const overlapping = replacementOf(key, { overlapSeconds: 60, keysMax: 1 });
      expect(await stores.apiKeys.replace(overlapping)).toEqual({ outcome: 'quota_exceeded' });
      const { outcome } = await stores.apiKeys.replace(replacementOf(key, { keysMax: 1 }));
      expect(outcome).toBe('replaced');
    });

    test('of a list is used up in its order; what exists takes no place', async () => {
      const { stores } = subject();
      const tenantId = newId();
      const imported = () => newKey(tenantId, { kind: 'imported', keyId: newImportedId() });
      const [one, two, three, four] = [imported(), imported(), imported(), imported()];
      await stores.apiKeys.insert(insertion(one));
      const list = [one, two, two, three, four].map((key) => insertion(key, { keysMax: 3 }));
      expect(outcomesOf(await stores.apiKeys.insertMany(list))).toEqual([
        ...['exists', 'inserted', 'exists', 'inserted', 'quota_exceeded'],
      ]);
      const where = `nid = '${tenantId}'`;
      expect(await countRows(subject(), 'api_keys', where)).toBe(3);
      expect(await countRows(subject(), 'audit_events', where)).toBe(3);
    });

    test('holds against twelve insertions at the same moment', async () => {
      const { stores } = subject();
      const tenantId = newId();
      const outcomes = await allAtOnce(12, () =>
        stores.apiKeys.insert(insertion(newKey(tenantId), { keysMax: 5 })),
      );
      expect(tally(outcomesOf(outcomes))).toEqual({ inserted: 5, quota_exceeded: 7 });
      expect(await countRows(subject(), 'api_keys', `nid = '${tenantId}'`)).toBe(5);
    });
  });
}

export function testKeyLists(subject: () => Subject): void {
  test('a list of insertions answers each in its order, requests replayed', async () => {
    const { stores } = subject();
    const tenantId = newId();
    const idempotency = { requestId: 'r', requestHash: 'h' };
    const plain = insertion(newKey(tenantId));
    const list = [
      plain,
      insertion(newKey(tenantId), { idempotency }),
      insertion(newKey(tenantId), { idempotency }),
      insertion(newKey(tenantId), { idempotency: { ...idempotency, requestHash: 'other' } }),
    ];
    const outcomes = await stores.apiKeys.insertMany(list);
    expect(outcomesOf(outcomes)).toEqual(['inserted', 'inserted', 'replayed', 'request_id_reused']);
    expect(outcomes[0]).toMatchObject({ key: { keyId: plain.key.keyId } });
    expect(outcomes[2]).toMatchObject({ key: { keyId: list[1]?.key.keyId } });
    expect(await stores.apiKeys.insertMany([])).toEqual([]);
  });

  test('a thousand keys are inserted at once', async () => {
    const { stores } = subject();
    const tenantId = newId();
    const list = Array.from({ length: 1000 }, () => insertion(newKey(tenantId)));
    expect(tally(outcomesOf(await stores.apiKeys.insertMany(list)))).toEqual({ inserted: 1000 });
    const query = { tenantId, kind: 'issued', pageSize: 600 } as const;
    const first = await stores.apiKeys.list(query);
    const { nextAfterKeyId: afterKeyId = '' } = first;
    const second = await stores.apiKeys.list({ ...query, afterKeyId });
    const keyIds = [...first.keys, ...second.keys].map(({ keyId }) => keyId);
    expect(second.nextAfterKeyId).toBeUndefined();
    expect(keyIds).toEqual(
      list
        .map(({ key }) => key.keyId)
        .sort()
        .reverse(),
    );
  });

  test('keys are found together, by tenant', async () => {
    const { stores } = subject();
    const [one, two] = [newKey(newId()), newKey(newId())];
    await stores.apiKeys.insert(insertion(one));
    await stores.apiKeys.insert(insertion(two));
    const found = await stores.apiKeys.findMany(one.tenantId, [one.keyId, two.keyId, newId()]);
    expect([...found.keys()]).toEqual([one.keyId]);
    expect(found.get(one.keyId)).toMatchObject({ secretHash: one.secretHash });
    expect((await stores.apiKeys.findMany(one.tenantId, [])).size).toBe(0);
  });

  test('keys that are looked for at once are each found for whoever asked', async () => {
    const { stores } = subject();
    const [tenantId, other] = [newId(), newId()];
    const [one, two] = [newKey(tenantId, { name: 'one' }), newKey(tenantId, { name: 'two' })];
    const foreign = newKey(other, { keyId: one.keyId, name: 'foreign' });
    for (const key of [one, two, foreign]) await stores.apiKeys.insert(insertion(key));
    const absent = { tenantId: other, keyId: two.keyId };
    const found = await Promise.all(
      [two, one, foreign, absent, one].map((key) => stores.apiKeys.find(key.tenantId, key.keyId)),
    );
    expect(found.map((stored) => stored?.key.name)).toEqual([
      'two',
      'one',
      'foreign',
      undefined,
      'one',
    ]);
    expect(found.map((stored) => stored?.key.tenantId)).toEqual([
      tenantId,
      tenantId,
      other,
      undefined,
      tenantId,
    ]);
  });

  test('a page holds what its query asks for, by status as it is computed elsewhere', async () => {
    const { stores, run } = subject();
    const tenantId = newId();
    const set = async (change: string, actorId = 'a') => {
      const key = newKey(tenantId, { actorId });
      await stores.apiKeys.insert(insertion(key));
      if (change !== '') await run(`UPDATE api_keys SET ${change} WHERE key_id = '${key.keyId}'`);
    };
    await set('');
    await set('', 'b');
    await set('expire_time_ms = 1');
    await set(`state = 'revoked'`);
    await set('disable_time_ms = 1');
    await set('disable_time_ms = 1, expire_time_ms = 1');
    await set('overlap_end_ms = 1');
    await set('overlap_end_ms = 9999999999999');
    await stores.apiKeys.insert(
      insertion(newKey(tenantId, { kind: 'imported', keyId: newImportedId() })),
    );
    const query = { tenantId, kind: 'issued', pageSize: 50 } as const;
    const { keys, now } = await stores.apiKeys.list(query);
    expect(tally(keys.map((key) => statusOf(key, now)))).toEqual({
      ...{ active: 3, expired: 2, revoked: 2, disabled: 1 },
    });
    for (const status of ['active', 'expired', 'revoked', 'disabled'] as const) {
      const page = await stores.apiKeys.list({ ...query, status });
      const expected = keys.filter((key) => statusOf(key, now) === status);
      expect(page.keys.map(({ keyId }) => keyId)).toEqual(expected.map(({ keyId }) => keyId));
    }
    expect((await stores.apiKeys.list({ ...query, actorId: 'b' })).keys).toHaveLength(1);
    expect((await stores.apiKeys.list({ ...query, kind: 'imported' })).keys).toHaveLength(1);
    expect((await stores.apiKeys.list({ ...query, tenantId: newId() })).keys).toEqual([]);
  });

  test('the last use moves forward and never back, and changes nothing else', async () => {
    const { stores } = subject();
    const key = newKey(newId());
    const inserted = await stores.apiKeys.insert(insertion(key));
    const use = (usedAt: number, tenantId = key.tenantId) => ({
      ...{ tenantId, keyId: key.keyId, usedAt: unixMilliseconds(usedAt) },
    });
    const lastUsed = async () =>
      (await stores.apiKeys.find(key.tenantId, key.keyId))?.key.lastUsedTime;
    await stores.apiKeys.touch([use(5000), use(7000), use(6000)]);
    expect(await lastUsed()).toBe(7000);
    await stores.apiKeys.touch([use(6500), use(9000, newId())]);
    expect(await lastUsed()).toBe(7000);
    await stores.apiKeys.touch([]);
    const found = await stores.apiKeys.find(key.tenantId, key.keyId);
    expect(found?.key).toEqual({ ...('key' in inserted && inserted.key), lastUsedTime: 7000 });
    const { outcome } = await stores.apiKeys.update(updateOf(key));
    expect(outcome).toBe('updated');
  });
}
