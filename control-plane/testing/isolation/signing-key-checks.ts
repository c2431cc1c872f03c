/** Isolation of `SigningKeyStore`. In tests two tenants may have keys of one kid; in life they cannot. */

import { expect } from 'vitest';
import { newId, newReplacedKey, newSigningKey } from '../contracts/fixtures.ts';
import { type Check, eventOf, type Pair, unnoticed, withoutEffect } from './pair.ts';

const NO_WAIT = { boundSeconds: 0, retiringSeconds: 60 };
const LONG_WAIT = { boundSeconds: 1000, retiringSeconds: 60 };

/** A key of a kid in a state, as a row. */
async function seedSigningKey(
  { run }: Pair,
  tenantId: string,
  { kid, state, ...times }: SeededKey,
): Promise<void> {
  const { published = null, activated = null, retired = null } = times;
  await run(`INSERT INTO signing_keys (nid, kid, algorithm, state, public_jwk, sealed_private_jwk,
      created_at_s, published_at_s, activated_at_s, retired_at_s)
    VALUES ('${tenantId}', '${kid}', 'EdDSA', '${state}', '{"kty":"OKP"}', 'sealed',
      1, ${published}, ${activated}, ${retired})`);
}

interface SeededKey {
  readonly kid: string;
  readonly state: 'pending' | 'active' | 'retiring' | 'retired';
  readonly published?: number;
  readonly activated?: number;
  readonly retired?: number;
}

const statesOf = async ({ seed }: Pair, tenantId: string) =>
  (await seed.signingKeys.list(tenantId)).map(({ state }) => state).sort();

const READING_AND_INSERTING: readonly Check[] = [
  {
    name: 'signingKeys.list lists its own alone',
    async run(pair) {
      const { act, tenant, victim } = pair;
      await seedSigningKey(pair, victim, { kid: newId(), state: 'active' });
      expect(await act.signingKeys.list(tenant)).toEqual([]);
      const kid = newId();
      await seedSigningKey(pair, tenant, { kid, state: 'active' });
      expect((await act.signingKeys.list(tenant)).map((key) => key.kid)).toEqual([kid]);
    },
  },
  {
    name: 'signingKeys.insertFirst is the first of its own',
    async run(pair) {
      const { act, tenant, victim } = pair;
      await seedSigningKey(pair, victim, { kid: newId(), state: 'active' });
      const insert = () => act.signingKeys.insertFirst(newSigningKey(tenant));
      expect(await unnoticed(pair, insert)).toBe('inserted');
      expect(await withoutEffect(pair, insert)).toBe('not_first');
    },
  },
  {
    name: 'signingKeys.insertPending waits for its own pending key alone',
    async run(pair) {
      const { act, tenant, victim } = pair;
      const key = newSigningKey(tenant);
      await seedSigningKey(pair, victim, { kid: key.kid, state: 'pending' });
      await seedSigningKey(pair, tenant, { kid: newId(), state: 'pending' });
      const insert = (from: typeof key) =>
        act.signingKeys.insertPending(from, eventOf(tenant, from.kid));
      expect(await withoutEffect(pair, () => insert(key))).toBe('pending_exists');
      await pair.run(`UPDATE signing_keys SET state = 'active' WHERE nid = '${tenant}'`);
      expect(await unnoticed(pair, () => insert(newSigningKey(tenant)))).toBe('inserted');
    },
  },
  {
    name: 'signingKeys.replaceRevoked replaces its own alone',
    async run(pair) {
      const { act, tenant, victim } = pair;
      const kid = newId();
      await seedSigningKey(pair, victim, { kid, state: 'active' });
      await seedSigningKey(pair, victim, { kid: newId(), state: 'pending' });
      await seedSigningKey(pair, tenant, { kid, state: 'active' });
      await unnoticed(pair, () => act.signingKeys.replaceRevoked([kid], newSigningKey(tenant)));
      expect(await statesOf(pair, tenant)).toEqual(['pending', 'retired']);
    },
  },
];

const CHANGING: readonly Check[] = [
  {
    name: 'signingKeys.markPublished marks its own alone',
    async run(pair) {
      const { act, seed, tenant, victim } = pair;
      const kid = newId();
      await seedSigningKey(pair, victim, { kid, state: 'pending' });
      await seedSigningKey(pair, tenant, { kid, state: 'pending' });
      await unnoticed(pair, () => act.signingKeys.markPublished(tenant, [kid]));
      const [key] = await seed.signingKeys.list(tenant);
      expect(key?.publishedAtSeconds).toBeGreaterThan(1);
    },
  },
  {
    name: 'signingKeys.reseal reseals its own alone',
    async run(pair) {
      const { act, run, tenant, victim } = pair;
      const kid = newId();
      await seedSigningKey(pair, victim, { kid, state: 'active' });
      await seedSigningKey(pair, tenant, { kid, state: 'active' });
      const resealing = { tenantId: tenant, kid, oldSealed: 'sealed', newSealed: 'new' };
      await unnoticed(pair, () => act.signingKeys.reseal(resealing));
      const rows = await run(`SELECT sealed_private_jwk FROM signing_keys WHERE nid = '${tenant}'`);
      expect(rows).toEqual([{ sealed_private_jwk: 'new' }]);
    },
  },
  {
    name: 'signingKeys.retireDue retires its own alone',
    async run(pair) {
      const { act, tenant, victim } = pair;
      for (const tenantId of [victim, tenant]) {
        await seedSigningKey(pair, tenantId, { kid: newId(), state: 'retiring', retired: 1 });
      }
      await unnoticed(pair, () => act.signingKeys.retireDue(tenant));
      expect(await statesOf(pair, tenant)).toEqual(['retired']);
    },
  },
];

const PROMOTING: readonly Check[] = [
  {
    name: 'signingKeys.promote moves its own on, whatever others have',
    async run(pair) {
      const { act, tenant, victim } = pair;
      await seedSigningKey(pair, victim, { kid: newId(), state: 'active', activated: 1 });
      await seedSigningKey(pair, tenant, { kid: newId(), state: 'active', activated: 1 });
      await seedSigningKey(pair, tenant, { kid: newId(), state: 'pending', published: 1 });
      const promoted = await unnoticed(pair, () => act.signingKeys.promote(tenant, NO_WAIT));
      expect(promoted).toBe('promoted');
      expect(await statesOf(pair, tenant)).toEqual(['active', 'retiring']);
    },
  },
  {
    name: "signingKeys.promote does not take another's pending key for its own",
    async run(pair) {
      const { act, tenant, victim } = pair;
      await seedSigningKey(pair, victim, { kid: newId(), state: 'pending', published: 1 });
      const promote = () => act.signingKeys.promote(tenant, NO_WAIT);
      expect(await withoutEffect(pair, promote)).toBe('not_due');
      await seedSigningKey(pair, tenant, { kid: newId(), state: 'active', activated: 1 });
      expect(await withoutEffect(pair, promote)).toBe('not_due');
    },
  },
  {
    name: 'signingKeys.promote lets a first key sign at once, though others have had keys',
    async run(pair) {
      const { act, run, tenant, victim } = pair;
      const now = Math.floor(Date.now() / 1000);
      await seedSigningKey(pair, victim, { kid: newId(), state: 'active', activated: 1 });
      await seedSigningKey(pair, tenant, { kid: newId(), state: 'pending', published: now });
      const promote = () => act.signingKeys.promote(tenant, LONG_WAIT);
      expect(await unnoticed(pair, promote)).toBe('promoted');
      await run(`UPDATE signing_keys SET state = 'pending' WHERE nid = '${tenant}'`);
      expect(await withoutEffect(pair, promote)).toBe('not_due');
    },
  },
];

export const SIGNING_KEY_CHECKS: readonly Check[] = [
  {
    name: 'replacedKeys.list lists its own alone',
    async run({ act, seed, tenant, victim }) {
      const kid = newId();
      await seed.replacedKeys.insert([newReplacedKey(victim, kid)]);
      expect(await act.replacedKeys.list(tenant)).toEqual([]);
      await seed.replacedKeys.insert([newReplacedKey(tenant, kid)]);
      const own = await act.replacedKeys.list(tenant);
      expect(own.map(({ tenantId }) => tenantId)).toEqual([tenant]);
    },
  },
  ...READING_AND_INSERTING,
  ...CHANGING,
  ...PROMOTING,
];
