/** The contracts of `RevocationStore`, `MintingStore` and `StoredSecretStore`. */

import { FOR_GOOD } from '@cardea/shared/feed/entry';
import { formatScopeId, type ScopeId, scopeIdOfKey } from '@cardea/shared/feed/scope-id';
import { unixSeconds } from '@cardea/shared/time';
import { describe, expect, test } from 'vitest';
import type { NewRevocation, Revocation } from '../../src/revocations/revocation.ts';
import {
  allAtOnce,
  cutOff,
  insertion,
  newId,
  newKey,
  newSigningKey,
  revocationOf,
  updateOf,
} from './fixtures.ts';
import type { Subject } from './subject.ts';

function scopeIdOf(keyId: string): ScopeId {
  const scopeId = scopeIdOfKey(keyId);
  if (scopeId === undefined) throw new TypeError('A fixture has a malformed id.');
  return scopeId;
}

/** Writes a revocation the way operations do: with what causes it. */
async function revoke(
  { stores }: Subject,
  change: Partial<NewRevocation> = {},
): Promise<{ readonly keyId: string; readonly revocation: Revocation }> {
  const key = newKey(change.tenantId ?? newId());
  await stores.apiKeys.insert(insertion(key));
  const request = revocationOf(key);
  const revocation = { ...request.revocation, ...change };
  const revoked = await stores.apiKeys.revoke({ ...request, revocation });
  if (revoked.outcome !== 'revoked') throw new Error(revoked.outcome);
  return { keyId: key.keyId, revocation: revoked.revocation };
}

export function testRevocations(subject: () => Subject): void {
  describe('the highest bound', () => {
    test('is that of the scopes asked for, of the tenant, and live', async () => {
      const { stores, run } = subject();
      const { keyId, revocation } = await revoke(subject());
      const { tenantId } = revocation;
      const scopeIds = [scopeIdOf(newId()), scopeIdOf(keyId)];
      expect(await stores.revocations.highestBound(tenantId, scopeIds)).toBe(FOR_GOOD);
      expect(await stores.revocations.highestBound(tenantId, scopeIds.slice(0, 1))).toBeUndefined();
      expect(await stores.revocations.highestBound(tenantId, [])).toBeUndefined();
      expect(await stores.revocations.highestBound(newId(), scopeIds)).toBeUndefined();
      const isRow = `revocation_id = '${revocation.revocationId}'`;
      for (const [set, bound] of [
        ['effective_at_s = 9999999999', undefined],
        ['effective_at_s = 1, expires_at_s = 2', undefined],
        ['expires_at_s = 9999999999, bound_s = 7', 7],
      ] as const) {
        await run(`UPDATE revocations SET ${set} WHERE ${isRow}`);
        expect(await stores.revocations.highestBound(tenantId, scopeIds)).toBe(bound);
      }
    });

    test('of everything counts for every tenant', async () => {
      const { stores } = subject();
      const zero = scopeIdOf('0'.repeat(64));
      const bound = unixSeconds(1_000_000_000);
      await revoke(subject(), { scope: 'everything', scopeId: zero, bound });
      expect(await stores.revocations.highestBound(newId(), [zero])).toBe(bound);
    });
  });

  test('a row is the outbox until it is marked, and is live until it expires', async () => {
    const { stores, run } = subject();
    await run('UPDATE revocations SET acknowledged = 1');
    const one = (await revoke(subject())).revocation;
    const two = (await revoke(subject(), { bound: 'at_commit' })).revocation;
    const over = (await revoke(subject())).revocation;
    const waiting = (await revoke(subject(), { effectiveAfterSeconds: 500 })).revocation;
    await run(`UPDATE revocations SET created_at_s = created_at_s - 10
      WHERE revocation_id = '${one.revocationId}'`);
    await run(`UPDATE revocations SET expires_at_s = 2, effective_at_s = 1
      WHERE revocation_id = '${over.revocationId}'`);
    const oldest = { ...one, createdAtSeconds: one.createdAtSeconds - 10 };
    expect(await stores.revocations.unacknowledged(9)).toEqual([oldest, two]);
    expect(await stores.revocations.unacknowledged(1)).toEqual([oldest]);
    await stores.revocations.markAcknowledged([one.revocationId, newId()]);
    await stores.revocations.markAcknowledged([]);
    expect(await stores.revocations.unacknowledged(9)).toEqual([two]);
    const live: string[] = [];
    for (let after = ''; ; after = live.at(-1) ?? '') {
      const page = await stores.revocations.live({ afterRevocationId: after, count: 3 });
      if (page.length === 0) break;
      live.push(...page.map(({ revocationId }) => revocationId));
    }
    expect(live).toEqual([...live].sort());
    expect(live).toEqual(expect.arrayContaining([one.revocationId, two.revocationId]));
    expect(live).not.toContain(over.revocationId);
    expect(live).not.toContain(waiting.revocationId);
  });

  test('a live row is told of the first written head that contains it', async () => {
    const { stores, run } = subject();
    await run('UPDATE revocations SET acknowledged = 1, published_seq = 1');
    const one = (await revoke(subject())).revocation.revocationId;
    const two = (await revoke(subject())).revocation.revocationId;
    const over = (await revoke(subject())).revocation.revocationId;
    await revoke(subject(), { effectiveAfterSeconds: 500 });
    await run(`UPDATE revocations SET created_at_s = created_at_s - 10
      WHERE revocation_id = '${two}'`);
    await run(`UPDATE revocations SET expires_at_s = 2, effective_at_s = 1
      WHERE revocation_id = '${over}'`);
    const unpublished = (changes: object = {}) =>
      stores.revocations.unpublished({ count: 9, acknowledgedOnly: false, ...changes });
    expect(await unpublished()).toEqual([two, one]);
    expect(await unpublished({ count: 1 })).toEqual([two]);
    expect(await unpublished({ acknowledgedOnly: true })).toEqual([]);
    await stores.revocations.markAcknowledged([one]);
    expect(await unpublished({ acknowledgedOnly: true })).toEqual([one]);
    await stores.revocations.markPublished([one, two, newId()], 5);
    await stores.revocations.markPublished([one], 6); // The first number stays.
    await stores.revocations.markPublished([], 7);
    expect(await unpublished()).toEqual([]);
    const page = await stores.revocations.live({ afterRevocationId: '', count: 1000 });
    const seqs = page.filter(({ revocationId }) => [one, two].includes(revocationId));
    expect(seqs.map(({ publishedSeq }) => publishedSeq)).toEqual([5, 5]);
  });

  test('the next effect is the earliest that is still to come', async () => {
    const { stores, run } = subject();
    await run('UPDATE revocations SET effective_at_s = 1 WHERE effective_at_s > 1');
    expect(await stores.revocations.nextEffectAt()).toBeUndefined();
    await revoke(subject(), { effectiveAfterSeconds: 900 });
    const { effectiveAtSeconds } = (await revoke(subject(), { effectiveAfterSeconds: 300 }))
      .revocation;
    expect(await stores.revocations.nextEffectAt()).toBe(effectiveAtSeconds);
  });
}

export function testMinting(subject: () => Subject): void {
  describe('what minting reads', () => {
    test('is the key, the signing key in use and the live bounds', async () => {
      const { stores } = subject();
      const { keyId, revocation } = await revoke(subject());
      const { tenantId } = revocation;
      const query = { tenantId, keyId, scopeIds: [scopeIdOf(keyId)] };
      const before = await stores.minting.read(query);
      expect(before).not.toHaveProperty('signingKey');
      const signingKey = newSigningKey(tenantId);
      await stores.signingKeys.insertFirst(signingKey);
      expect(await stores.minting.read(query)).not.toHaveProperty('signingKey');
      await stores.signingKeys.markPublished(tenantId, [signingKey.kid]);
      await stores.signingKeys.promote(tenantId, { boundSeconds: 60, retiringSeconds: 60 });
      // Of all signing keys of the tenant, asked for or not.
      const scopeId = scopeIdOf(newId());
      await revoke(subject(), { tenantId, scope: 'signing_key', scopeId });
      await revoke(subject(), { tenantId });
      const moment = await stores.minting.read(query);
      const found = await stores.apiKeys.find(tenantId, keyId);
      expect(moment?.key).toEqual(found?.key);
      const { kid, algorithm, sealedPrivateJwk } = signingKey;
      expect(moment?.signingKey).toEqual({ tenantId, kid, algorithm, sealedPrivateJwk });
      expect([...(moment?.bounds ?? [])].sort()).toEqual(
        [...[scopeIdOf(keyId), scopeId].map((id) => [formatScopeId(id), FOR_GOOD] as const)].sort(),
      );
      expect(Math.abs((moment?.now ?? 0) - (found?.now ?? 0))).toBeLessThan(5000);
    });

    test('is nothing for a key that is not there', async () => {
      const { stores } = subject();
      const { keyId, revocation } = await revoke(subject());
      const { tenantId } = revocation;
      for (const name of [
        { tenantId: newId(), keyId },
        { tenantId, keyId: newId() },
      ]) {
        expect(await stores.minting.read({ ...name, scopeIds: [] })).toBeUndefined();
      }
    });

    test('is for each of those who ask at once what it is for that one alone', async () => {
      const { stores } = subject();
      const [one, other] = [newId(), newId()];
      const signingKey = newSigningKey(one);
      await stores.signingKeys.insertFirst(signingKey);
      await stores.signingKeys.markPublished(one, [signingKey.kid]);
      await stores.signingKeys.promote(one, { boundSeconds: 60, retiringSeconds: 60 });
      const [good, revoked] = [newKey(one), newKey(one, { name: 'revoked' })];
      // The same id in another tenant: a key of its own.
      const foreign = newKey(other, { keyId: good.keyId, name: 'foreign' });
      for (const key of [good, revoked, foreign]) await stores.apiKeys.insert(insertion(key));
      await stores.apiKeys.revoke(revocationOf(revoked));
      const absent = { tenantId: one, keyId: newId() };
      const read = ({ tenantId, keyId }: { readonly tenantId: string; readonly keyId: string }) =>
        stores.minting.read({ tenantId, keyId, scopeIds: [scopeIdOf(keyId)] });
      const asked = [good, revoked, absent, foreign, good];
      const moments = await Promise.all(asked.map(read));
      expect(moments.map((moment) => moment?.key.name)).toEqual([
        good.name,
        revoked.name,
        undefined,
        foreign.name,
        good.name,
      ]);
      expect(moments.map((moment) => moment?.key.tenantId)).toEqual([
        one,
        one,
        undefined,
        other,
        one,
      ]);
      expect(moments.map((moment) => moment?.key.state)).toEqual([
        'active',
        'revoked',
        undefined,
        'active',
        'active',
      ]);
      const { kid } = signingKey;
      expect(moments.map((moment) => moment?.signingKey?.kid)).toEqual([
        kid,
        kid,
        undefined,
        undefined,
        kid,
      ]);
      const bounds = asked.map(({ keyId }, i) =>
        moments[i]?.bounds.get(formatScopeId(scopeIdOf(keyId))),
      );
      expect(bounds).toEqual([undefined, FOR_GOOD, undefined, undefined, undefined]);
    });

    test('never shows an old key at a time after the cut-off that changed it', async () => {
      const { stores } = subject();
      const key = newKey(newId());
      await stores.apiKeys.insert(insertion(key));
      const query = { ...key, scopeIds: [scopeIdOf(key.keyId)] };
      let isChanging = true;
      const change = async () => {
        for (let revision = 1; revision <= 25; revision++) {
          const revocation = cutOff(key);
          const updated = await stores.apiKeys.update(updateOf(key, { revision, revocation }));
          if (updated.outcome === 'updated') {
            bounds.set(revision, updated.revocation?.entry.boundSeconds ?? -1);
          }
        }
        isChanging = false;
      };
      const bounds = new Map<number, number>();
      const seen: { readonly revision: number; readonly seconds: number }[] = [];
      const watch = async () => {
        while (isChanging) {
          const moment = await stores.minting.read(query);
          const { key: { revision } = { revision: 0 }, now = 0 } = moment ?? {};
          seen.push({ revision, seconds: Math.floor(now / 1000) });
        }
      };
      await Promise.all([change(), watch(), watch(), watch(), watch()]);
      expect(bounds.size).toBe(25);
      expect(seen.length).toBeGreaterThan(10);
      const escaped = seen.filter(
        ({ revision, seconds }) => seconds > (bounds.get(revision) ?? Number.POSITIVE_INFINITY),
      );
      expect(escaped).toEqual([]);
    });
  });
}

export function testStoredSecrets(subject: () => Subject): void {
  describe('a stored secret', () => {
    test('is written once, whoever is first', async () => {
      const { stores } = subject();
      const name = newId();
      expect(await stores.secrets.find(name)).toBeUndefined();
      const kept = await allAtOnce(12, (place) =>
        stores.secrets.insertOnce(name, `sealed ${place}`),
      );
      expect(new Set(kept).size).toBe(1);
      expect(await stores.secrets.find(name)).toBe(kept[0]);
      expect(await stores.secrets.list()).toContainEqual({ name, sealed: kept[0] });
    });

    test('is sealed anew only as it was seen', async () => {
      const { stores } = subject();
      const name = newId();
      await stores.secrets.insertOnce(name, 'old');
      await stores.secrets.reseal(name, 'other', 'wrong');
      expect(await stores.secrets.find(name)).toBe('old');
      await stores.secrets.reseal(name, 'old', 'new');
      expect(await stores.secrets.find(name)).toBe('new');
    });

    test('is listed by name', async () => {
      const names = (await subject().stores.secrets.list()).map(({ name }) => name);
      expect(names.length).toBeGreaterThan(1);
      expect(names).toEqual([...names].sort());
    });
  });

  test('a database that serves says so', async () => {
    await expect(subject().stores.status.check()).resolves.toBeUndefined();
  });
}
