/** Isolation of `ApiKeyStore`: reading, inserting, touching. Changes are in a file of their own. */

import { unixMilliseconds } from '@cardea/shared/time';
import { expect } from 'vitest';
import { insertion, newId, newKey } from '../contracts/fixtures.ts';
import { type Check, mark, seedKey, twins, unnoticed, victimsKey, withoutEffect } from './pair.ts';

const REQUEST = { requestId: 'r', requestHash: 'h' };

export const KEY_CHECKS: readonly Check[] = [
  {
    name: 'apiKeys.find finds its own alone',
    async run(pair) {
      const { act, tenant, victim } = pair;
      const keyId = await victimsKey(pair);
      expect(await act.apiKeys.find(tenant, keyId)).toBeUndefined();
      await seedKey(pair, tenant, { keyId, name: 'tenant' });
      expect((await act.apiKeys.find(tenant, keyId))?.key.name).toBe('tenant');
      expect((await act.apiKeys.find(victim, keyId))?.key.name).toBe('victim');
    },
  },
  {
    name: 'apiKeys.findMany finds its own alone',
    async run(pair) {
      const { act, tenant } = pair;
      const [both, one] = [await twins(pair), await victimsKey(pair)];
      const found = await act.apiKeys.findMany(tenant, [both, one]);
      expect([...found.values()].map(({ key }) => key.name)).toEqual(['tenant']);
    },
  },
  {
    name: 'apiKeys.list lists its own alone',
    async run(pair) {
      const { act, tenant: tenantId } = pair;
      const query = { tenantId, kind: 'issued', pageSize: 10 } as const;
      await victimsKey(pair, { actorId: 'alice' });
      expect((await act.apiKeys.list(query)).keys).toEqual([]);
      const keyId = await twins(pair, { actorId: 'alice' });
      for (const filter of [{}, { actorId: 'alice' }, { status: 'active' as const }]) {
        const { keys } = await act.apiKeys.list({ ...query, ...filter });
        expect(keys.map((key) => [key.keyId, key.name])).toEqual([[keyId, 'tenant']]);
      }
    },
  },
  {
    name: 'apiKeys.touch moves its own time alone',
    async run(pair) {
      const { act, seed, tenant: tenantId } = pair;
      const [keyId, other] = [await twins(pair), await victimsKey(pair)];
      const usedAt = unixMilliseconds(Date.now() + 1000);
      await unnoticed(pair, () =>
        act.apiKeys.touch([
          { tenantId, keyId, usedAt },
          { tenantId, keyId: other, usedAt },
        ]),
      );
      expect((await seed.apiKeys.find(tenantId, keyId))?.key.lastUsedTime).toBe(usedAt);
    },
  },
  {
    name: 'apiKeys.insert takes ids and request ids that others have taken',
    async run(pair) {
      const { act, seed, victim, tenant } = pair;
      const keyId = newId();
      const theirs = newKey(victim, { keyId, name: 'victim' });
      await seed.apiKeys.insert(insertion(theirs, { idempotency: REQUEST }));
      const own = insertion(newKey(tenant, { keyId, name: 'tenant' }), {
        idempotency: { ...REQUEST, requestHash: 'other' },
      });
      const inserted = await unnoticed(pair, () => act.apiKeys.insert(own));
      expect(inserted).toMatchObject({ outcome: 'inserted', key: { name: 'tenant' } });
      expect(await pair.rowsOf([tenant])).toHaveLength(3);
    },
  },
  {
    name: 'apiKeys.insert replays its own answers alone',
    async run(pair) {
      const { act, seed, victim, tenant } = pair;
      for (const order of [
        [victim, tenant],
        [tenant, victim],
      ]) {
        const [keyId, idempotency] = [newId(), { requestId: newId(), requestHash: 'h' }];
        for (const tenantId of order) {
          const first = newKey(tenantId, { keyId, name: tenantId });
          await seed.apiKeys.insert(insertion(first, { idempotency }));
        }
        const again = insertion(newKey(tenant), { idempotency });
        const replayed = await withoutEffect(pair, () => act.apiKeys.insert(again));
        expect(replayed).toMatchObject({ outcome: 'replayed', key: { name: tenant } });
      }
    },
  },
  {
    name: 'apiKeys.insert of a key that exists leaves nothing, whatever others have answered',
    async run(pair) {
      const { act, seed, victim, tenant } = pair;
      const keyId = newId();
      await seedKey(pair, tenant, { keyId });
      const theirs = newKey(victim, { keyId, name: 'victim' });
      await seed.apiKeys.insert(insertion(theirs, { idempotency: REQUEST }));
      const own = insertion(newKey(tenant, { keyId }), { idempotency: REQUEST });
      await mark(pair, 'api_keys', own.audit);
      const refused = await withoutEffect(pair, () => act.apiKeys.insert(own));
      expect(refused).toEqual({ outcome: 'exists' });
      const bare = { key: own.key, audit: own.audit };
      expect(await withoutEffect(pair, () => act.apiKeys.insert(bare))).toEqual({
        outcome: 'exists',
      });
    },
  },
  {
    name: 'apiKeys.insert counts its own keys alone',
    async run(pair) {
      const { act, seed, tenant, victim } = pair;
      const keyId = newId();
      const theirs = newKey(victim, { keyId });
      await seed.apiKeys.insert(insertion(theirs, { idempotency: REQUEST }));
      const own = newKey(tenant, { keyId });
      const first = insertion(own, { keysMax: 1, idempotency: REQUEST });
      expect((await unnoticed(pair, () => act.apiKeys.insert(first))).outcome).toBe('inserted');
      const second = insertion(newKey(tenant), { keysMax: 1 });
      const refused = await withoutEffect(pair, () => act.apiKeys.insert(second));
      expect(refused.outcome).toBe('quota_exceeded');
    },
  },
  {
    name: 'apiKeys.insertMany takes ids that others have taken',
    async run(pair) {
      const { act, tenant } = pair;
      const ids = [await victimsKey(pair), await victimsKey(pair)];
      const own = ids.map((keyId) => insertion(newKey(tenant, { keyId, name: 'tenant' })));
      const outcomes = await unnoticed(pair, () => act.apiKeys.insertMany(own));
      expect(outcomes).toMatchObject([
        { outcome: 'inserted', key: { name: 'tenant' } },
        { outcome: 'inserted', key: { name: 'tenant' } },
      ]);
    },
  },
];
