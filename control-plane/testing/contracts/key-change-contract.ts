/** The contract of `ApiKeyStore`: update, revoke, replace, delete, and all of them at the same moment. */

import { FOR_GOOD } from '@cardea/shared/feed/entry';
import { secondsOf } from '@cardea/shared/time';
import { describe, expect, test } from 'vitest';
import { REVOKED_KEY_KEPT_SECONDS } from '../../src/limits.ts';
import {
  allAtOnce,
  cutOff,
  deletionOf,
  insertion,
  LIVES_SECONDS,
  newId,
  newImportedId,
  newKey,
  replacementOf,
  revocationOf,
  tally,
  updateOf,
} from './fixtures.ts';
import { countAll, countRows, type Subject } from './subject.ts';

async function insertKey({ stores }: Subject, change: Parameters<typeof newKey>[1] = {}) {
  const key = newKey(newId(), change);
  const inserted = await stores.apiKeys.insert(insertion(key));
  if (inserted.outcome !== 'inserted') throw new Error(inserted.outcome);
  return inserted.key;
}

const importedKey = () => ({ kind: 'imported', keyId: newImportedId() }) as const;

export function testKeyUpdates(subject: () => Subject): void {
  describe('updating an API key', () => {
    test('sets what is named, clears what is null, and leaves the rest', async () => {
      const { stores } = subject();
      const key = await insertKey(subject());
      const rateLimitPolicy = { quota: '5', windowSeconds: 60 };
      const set = { scopes: [], metadata: { a: 1 }, rateLimitPolicy, allowedCidrs: ['::/0'] };
      const changes = { ...set, name: 'new', isDisabled: true };
      const updated = await stores.apiKeys.update(updateOf(key, { changes }));
      if (updated.outcome !== 'updated') throw new Error(updated.outcome);
      const { disableTime, updateTime } = updated.key;
      expect(updated.key).toEqual({
        ...key,
        ...set,
        name: 'new',
        updateTime,
        disableTime,
        revision: 2,
      });
      expect(updated).not.toHaveProperty('revocation');
      expect(Math.abs(updated.now - (disableTime ?? 0))).toBeLessThan(1000);
      const cleared = { metadata: null, rateLimitPolicy: null, allowedCidrs: null };
      const again = updateOf(key, { revision: 2, changes: { ...cleared, isDisabled: false } });
      const { key: left } = { key: undefined, ...(await stores.apiKeys.update(again)) };
      expect(left).toEqual({
        ...key,
        name: 'new',
        scopes: [],
        updateTime: left?.updateTime,
        revision: 3,
      });
      expect((await stores.apiKeys.find(key.tenantId, key.keyId))?.key).toEqual(left);
    });

    test('from another revision, or of no key, changes nothing', async () => {
      const { stores } = subject();
      const key = await insertKey(subject());
      const before = await countAll(subject());
      const revocation = cutOff(key);
      const stale = updateOf(key, { revision: 2, revocation });
      expect(await stores.apiKeys.update(stale)).toEqual({ outcome: 'changed_meanwhile' });
      for (const name of [
        { ...key, keyId: newId() },
        { ...key, tenantId: newId() },
      ]) {
        const missing = await stores.apiKeys.update(updateOf(name, { revocation }));
        expect(missing).toEqual({ outcome: 'not_found' });
      }
      expect(await countAll(subject())).toEqual(before);
      expect((await stores.apiKeys.find(key.tenantId, key.keyId))?.key).toEqual(key);
    });

    test('cuts off the tokens from before it, in whole seconds of the database', async () => {
      const { stores } = subject();
      const key = await insertKey(subject());
      const update = updateOf(key, { revocation: cutOff(key) });
      const updated = await stores.apiKeys.update(update);
      if (updated.outcome !== 'updated') throw new Error(updated.outcome);
      const { createdAtSeconds = 0, entry, expiresAtSeconds = 0 } = updated.revocation ?? {};
      expect(entry?.boundSeconds).toBe(createdAtSeconds);
      expect(createdAtSeconds).toBeGreaterThanOrEqual(secondsOf(updated.key.updateTime));
      expect(expiresAtSeconds - createdAtSeconds).toBe(LIVES_SECONDS);
    });
  });
}

export function testKeyRevocation(subject: () => Subject): void {
  describe('revoking an API key', () => {
    test('ends it with its revocation and its event, and keeps the row', async () => {
      const { stores } = subject();
      const key = await insertKey(subject());
      const request = revocationOf(key, { description: 'lost' });
      const revoked = await stores.apiKeys.revoke(request);
      if (revoked.outcome !== 'revoked') throw new Error(revoked.outcome);
      const { expireTime = 0, updateTime } = revoked.key;
      expect(revoked.key).toEqual({
        ...{ ...key, state: 'revoked', revision: 2, updateTime, expireTime },
        ...{ revocationReason: 'key_compromise', revocationDescription: 'lost' },
      });
      expect(Math.abs(expireTime - updateTime - REVOKED_KEY_KEPT_SECONDS * 1000)).toBeLessThan(
        1000,
      );
      const { revocationId, scopeId } = request.revocation;
      expect(revoked.revocation).toMatchObject({
        ...{ revocationId, tenantId: key.tenantId, scope: 'key', cause: 'test' },
        entry: { scopeId, boundSeconds: FOR_GOOD },
      });
      expect(await stores.audit.findMany([request.audit.eventId])).toHaveLength(1);
    });

    test('happens once; a key of another tenant, or none, is not found', async () => {
      const { stores } = subject();
      const key = await insertKey(subject());
      await stores.apiKeys.revoke(revocationOf(key));
      const before = await countAll(subject());
      expect(await stores.apiKeys.revoke(revocationOf(key))).toEqual({
        outcome: 'already_revoked',
      });
      for (const name of [
        { ...key, tenantId: newId() },
        { ...key, keyId: newId() },
      ]) {
        expect(await stores.apiKeys.revoke(revocationOf(name))).toEqual({ outcome: 'not_found' });
      }
      expect(await countAll(subject())).toEqual(before);
    });

    test('takes expired, disabled and overlapping keys too, and cuts an overlap short', async () => {
      const { stores, run } = subject();
      const states = [
        'expire_time_ms = 1',
        'disable_time_ms = 1',
        'overlap_end_ms = 9999999999999',
      ];
      for (const state of states) {
        const key = await insertKey(subject());
        await run(`UPDATE api_keys SET ${state} WHERE key_id = '${key.keyId}'`);
        const revoked = await stores.apiKeys.revoke(revocationOf(key));
        expect(revoked.outcome).toBe('revoked');
        expect('key' in revoked && 'overlapEndTime' in revoked.key).toBe(false);
      }
      const over = await insertKey(subject());
      await run(`UPDATE api_keys SET overlap_end_ms = 1 WHERE key_id = '${over.keyId}'`);
      const { outcome } = await stores.apiKeys.revoke(revocationOf(over));
      expect(outcome).toBe('already_revoked');
    });
  });
}

export function testKeyReplacement(subject: () => Subject): void {
  describe('replacing an API key', () => {
    test('ends the old one and passes its expiry on', async () => {
      const { stores } = subject();
      const key = await insertKey(subject());
      const request = replacementOf(key);
      const replaced = await stores.apiKeys.replace(request);
      if (replaced.outcome !== 'replaced') throw new Error(replaced.outcome);
      expect(replaced.key).toMatchObject({
        ...{ keyId: request.replacement.keyId, state: 'active', revision: 1 },
        expireTime: key.expireTime,
      });
      expect(replaced.oldKey).toMatchObject({
        ...{ keyId: key.keyId, state: 'revoked', revocationReason: 'superseded', revision: 2 },
      });
      expect(replaced.revocation).toMatchObject({ revocationId: request.revocation.revocationId });
      expect(await stores.audit.findMany([request.audit.eventId])).toHaveLength(1);
      const found = await stores.apiKeys.find(key.tenantId, request.replacement.keyId);
      expect(found).toMatchObject({
        key: replaced.key,
        secretHash: request.replacement.secretHash,
      });
    });

    test('of a key without expiry has none', async () => {
      const { stores, run } = subject();
      const { expireTime: _, ...key } = await insertKey(subject());
      await run(`UPDATE api_keys SET expire_time_ms = NULL WHERE key_id = '${key.keyId}'`);
      const replaced = await stores.apiKeys.replace(replacementOf(key));
      expect('key' in replaced && 'expireTime' in replaced.key).toBe(false);
      expect('oldKey' in replaced && 'expireTime' in replaced.oldKey).toBe(true);
    });

    test('with an overlap leaves the old one active until its end', async () => {
      const { stores } = subject();
      const key = await insertKey(subject(), { ttlSeconds: 10_000 });
      const replaced = await stores.apiKeys.replace(replacementOf(key, { overlapSeconds: 60 }));
      if (replaced.outcome !== 'replaced') throw new Error(replaced.outcome);
      const { overlapEndTime = 0, updateTime, state, expireTime = 0 } = replaced.oldKey;
      expect(state).toBe('active');
      expect(Math.abs(overlapEndTime - updateTime - 60_000)).toBeLessThan(1000);
      expect(expireTime).toBeGreaterThan(updateTime + REVOKED_KEY_KEPT_SECONDS * 1000);
      const { createdAtSeconds, effectiveAtSeconds, expiresAtSeconds } = replaced.revocation;
      expect(effectiveAtSeconds - createdAtSeconds).toBe(60);
      expect(expiresAtSeconds - effectiveAtSeconds).toBe(LIVES_SECONDS);
      // Within the overlap it is not rotated again.
      const again = replacementOf(key, { oldRevision: 2 });
      expect(await stores.apiKeys.replace(again)).toEqual({ outcome: 'not_active' });
    });

    test('an overlap never outlives the old key', async () => {
      const { stores } = subject();
      const key = await insertKey(subject(), { ttlSeconds: 30 });
      const replaced = await stores.apiKeys.replace(replacementOf(key, { overlapSeconds: 60 }));
      expect(replaced).toMatchObject({ oldKey: { overlapEndTime: key.expireTime } });
    });

    test('of a key that is not active, or was changed, or is not there, leaves no trace', async () => {
      const { stores, run } = subject();
      const states = ['expire_time_ms = 1', `state = 'revoked'`, 'disable_time_ms = 1'];
      for (const state of [...states, 'overlap_end_ms = 1']) {
        const key = await insertKey(subject());
        await run(`UPDATE api_keys SET ${state} WHERE key_id = '${key.keyId}'`);
        const before = await countAll(subject());
        const stale = replacementOf(key, { oldRevision: 7 });
        expect(await stores.apiKeys.replace(stale)).toEqual({ outcome: 'not_active' });
        expect(await countAll(subject())).toEqual(before);
      }
      const key = await insertKey(subject());
      const before = await countAll(subject());
      const stale = replacementOf(key, { oldRevision: 2, keysMax: 0, overlapSeconds: 1 });
      expect(await stores.apiKeys.replace(stale)).toEqual({ outcome: 'changed_meanwhile' });
      for (const name of [
        { ...key, tenantId: newId() },
        { ...key, keyId: newId() },
      ]) {
        expect(await stores.apiKeys.replace(replacementOf(name))).toEqual({ outcome: 'not_found' });
      }
      expect(await countAll(subject())).toEqual(before);
    });
  });

  test('deleting takes imported keys of any state and no issued one', async () => {
    const { stores } = subject();
    const key = await insertKey(subject(), importedKey());
    const issued = await insertKey(subject());
    await stores.apiKeys.revoke(revocationOf(key));
    const before = await countAll(subject());
    for (const name of [
      issued,
      { ...key, tenantId: newId() },
      { ...key, keyId: newImportedId() },
    ]) {
      expect(await stores.apiKeys.delete(deletionOf(name))).toEqual({ outcome: 'not_found' });
    }
    expect(await countAll(subject())).toEqual(before);
    const deletion = deletionOf(key);
    const deleted = await stores.apiKeys.delete(deletion);
    const { revocationId } = deletion.revocation;
    expect(deleted).toMatchObject({ outcome: 'deleted', revocation: { revocationId } });
    expect(await stores.apiKeys.find(key.tenantId, key.keyId)).toBeUndefined();
    expect(await stores.audit.findMany([deletion.audit.eventId])).toHaveLength(1);
  });
}

/** Twelve calls, one winner, and nothing of the losers. */
export function testKeyRaces(subject: () => Subject): void {
  describe('of twelve calls at the same moment', () => {
    const traces = async (tenantId: string) => ({
      keys: await countRows(subject(), 'api_keys', `nid = '${tenantId}'`),
      revocations: await countRows(subject(), 'revocations', `nid = '${tenantId}'`),
      events: await countRows(subject(), 'audit_events', `nid = '${tenantId}'`),
    });

    test('one revokes', async () => {
      const { stores } = subject();
      const key = await insertKey(subject());
      const outcomes = await allAtOnce(12, () => stores.apiKeys.revoke(revocationOf(key)));
      expect(tally(outcomes.map(({ outcome }) => outcome))).toEqual({
        revoked: 1,
        already_revoked: 11,
      });
      expect(await traces(key.tenantId)).toEqual({ keys: 1, revocations: 1, events: 2 });
    });

    test('one rotates', async () => {
      const { stores } = subject();
      const key = await insertKey(subject());
      const outcomes = await allAtOnce(12, () => stores.apiKeys.replace(replacementOf(key)));
      expect(tally(outcomes.map(({ outcome }) => outcome))).toEqual({
        replaced: 1,
        not_active: 11,
      });
      expect(await traces(key.tenantId)).toEqual({ keys: 2, revocations: 1, events: 2 });
    });

    test('one updates', async () => {
      const { stores } = subject();
      const key = await insertKey(subject());
      const outcomes = await allAtOnce(12, (place) =>
        stores.apiKeys.update(
          updateOf(key, { changes: { name: `${place}` }, revocation: cutOff(key) }),
        ),
      );
      expect(tally(outcomes.map(({ outcome }) => outcome))).toEqual({
        ...{ updated: 1, changed_meanwhile: 11 },
      });
      expect(await traces(key.tenantId)).toEqual({ keys: 1, revocations: 1, events: 2 });
      const winner = outcomes.find(({ outcome }) => outcome === 'updated');
      const found = await stores.apiKeys.find(key.tenantId, key.keyId);
      expect(found?.key).toEqual(winner !== undefined && 'key' in winner && winner.key);
    });

    test('one deletes', async () => {
      const { stores } = subject();
      const key = await insertKey(subject(), importedKey());
      const outcomes = await allAtOnce(12, () => stores.apiKeys.delete(deletionOf(key)));
      expect(tally(outcomes.map(({ outcome }) => outcome))).toEqual({ deleted: 1, not_found: 11 });
      expect(await traces(key.tenantId)).toEqual({ keys: 0, revocations: 1, events: 2 });
    });

    test('one inserts under a request id, and the others are told of its key', async () => {
      const { stores } = subject();
      const tenantId = newId();
      const idempotency = { requestId: 'r', requestHash: 'h' };
      const outcomes = await allAtOnce(12, () =>
        stores.apiKeys.insert(insertion(newKey(tenantId), { idempotency, keysMax: 100 })),
      );
      expect(tally(outcomes.map(({ outcome }) => outcome))).toEqual({ inserted: 1, replayed: 11 });
      const keyIds = outcomes.map((outcome) => 'key' in outcome && outcome.key.keyId);
      expect(new Set(keyIds).size).toBe(1);
      expect(await traces(tenantId)).toEqual({ keys: 1, revocations: 0, events: 1 });
    });

    test('one imports a key', async () => {
      const { stores } = subject();
      const key = newKey(newId(), importedKey());
      const outcomes = await allAtOnce(12, (place) =>
        place % 2 === 0
          ? stores.apiKeys.insert(insertion(key))
          : stores.apiKeys
              .insertMany([insertion(key)])
              .then(([first]) => first ?? { outcome: 'none' }),
      );
      expect(tally(outcomes.map(({ outcome }) => outcome))).toEqual({ inserted: 1, exists: 11 });
      expect(await traces(key.tenantId)).toEqual({ keys: 1, revocations: 0, events: 1 });
    });

    test('either a revocation or a rotation wins, never both', async () => {
      const { stores } = subject();
      const key = await insertKey(subject());
      const outcomes = await allAtOnce<{ readonly outcome: string }>(12, (place) =>
        place % 2 === 0
          ? stores.apiKeys.revoke(revocationOf(key))
          : stores.apiKeys.replace(replacementOf(key)),
      );
      const winners = outcomes.filter(({ outcome }) => /^re/.test(outcome));
      expect(winners).toHaveLength(1);
      expect(await traces(key.tenantId)).toMatchObject({ revocations: 1, events: 2 });
    });
  });
}
