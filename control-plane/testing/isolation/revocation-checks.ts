/** Isolation of what minting and verification read: revocations, keys, signing keys. */

import { formatScopeId, type ScopeId } from '@cardea/shared/feed/scope-id';
import { expect } from 'vitest';
import { newId, newSigningKey } from '../contracts/fixtures.ts';
import { type Check, type Pair, seedKey, victimsKey } from './pair.ts';

/** A new one for each run: bounds of everything count for every tenant. */
function newScope(): { readonly id: ScopeId; readonly text: string } {
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  const id = { high, low };
  return { id, text: formatScopeId(id) };
}

interface SeededBound {
  /** The scope id. */
  readonly text: string;
  readonly bound: number;
  readonly scope?: 'key' | 'everything';
}

async function seedBound(
  { run }: Pair,
  tenantId: string,
  { text, bound, scope = 'key' }: SeededBound,
): Promise<void> {
  await run(`INSERT INTO revocations (revocation_id, nid, scope, scope_id, bound_s, cause,
    created_at_s, effective_at_s, expires_at_s, acknowledged)
    VALUES ('${newId()}', '${tenantId}', '${scope}', '${text}', ${bound}, 'test',
      1, 1, 4294967295, 1)`);
}

async function seedActiveKey({ run, seed }: Pair, tenantId: string): Promise<string> {
  const key = newSigningKey(tenantId);
  await seed.signingKeys.insertFirst(key);
  await run(`UPDATE signing_keys SET state = 'active' WHERE nid = '${tenantId}'`);
  return key.kid;
}

export const REVOCATION_CHECKS: readonly Check[] = [
  {
    name: 'revocations.highestBound sees its own bounds alone, and those of everything',
    async run(pair) {
      const { act, tenant, victim } = pair;
      const { id, text } = newScope();
      await seedBound(pair, victim, { text, bound: 900 });
      expect(await act.revocations.highestBound(tenant, [id])).toBeUndefined();
      await seedBound(pair, tenant, { text, bound: 100 });
      expect(await act.revocations.highestBound(tenant, [id])).toBe(100);
      await seedBound(pair, victim, { text, bound: 500, scope: 'everything' });
      expect(await act.revocations.highestBound(tenant, [id])).toBe(500);
    },
  },
  {
    name: 'minting.read reads its own key alone',
    async run(pair) {
      const { act, tenant: tenantId, victim } = pair;
      const { id } = newScope();
      await seedActiveKey(pair, victim);
      const keyId = await victimsKey(pair);
      const query = { tenantId, keyId, scopeIds: [id] };
      expect(await act.minting.read(query)).toBeUndefined();
      await seedKey(pair, tenantId, { keyId, name: 'tenant' });
      const moment = await act.minting.read(query);
      expect(moment?.key.name).toBe('tenant');
      expect(moment?.signingKey).toBeUndefined();
      const kid = await seedActiveKey(pair, tenantId);
      expect((await act.minting.read(query))?.signingKey).toMatchObject({ tenantId, kid });
    },
  },
  {
    name: 'minting.read reads its own bounds alone',
    async run(pair) {
      const { act, tenant: tenantId, victim } = pair;
      const keyId = await victimsKey(pair);
      await seedKey(pair, tenantId, { keyId });
      const { id, text } = newScope();
      await seedBound(pair, victim, { text, bound: 900 });
      const query = { tenantId, keyId, scopeIds: [id] };
      expect((await act.minting.read(query))?.bounds).toEqual(new Map());
      await seedBound(pair, tenantId, { text, bound: 100 });
      expect((await act.minting.read(query))?.bounds).toEqual(new Map([[text, 100]]));
    },
  },
];
