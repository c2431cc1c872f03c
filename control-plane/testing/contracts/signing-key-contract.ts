/** The contract of `SigningKeyStore`. */

import { describe, expect, test } from 'vitest';
import { allAtOnce, auditOf, newId, newSigningKey, tally } from './fixtures.ts';
import { countRows, type Subject } from './subject.ts';

const DURATIONS = { boundSeconds: 180, retiringSeconds: 100 };

export function testSigningKeys(subject: () => Subject): void {
  const insertPending = (tenantId: string, key = newSigningKey(tenantId)) =>
    subject().stores.signingKeys.insertPending(
      key,
      auditOf(tenantId, key.kid, 'signing_key.rotate'),
    );
  const statesOf = async (tenantId: string) =>
    (await subject().stores.signingKeys.list(tenantId)).map(({ state }) => state);
  const setBack = (tenantId: string, column: string) =>
    subject().run(`UPDATE signing_keys SET ${column} = ${column} - 1000 WHERE nid = '${tenantId}'`);

  /** A tenant with an active key. */
  async function activeTenant() {
    const { signingKeys } = subject().stores;
    const tenantId = newId();
    const key = newSigningKey(tenantId);
    await signingKeys.insertFirst(key);
    await signingKeys.markPublished(tenantId, [key.kid]);
    expect(await signingKeys.promote(tenantId, DURATIONS)).toBe('promoted');
    // The next one is younger, also where the clock counts seconds.
    await setBack(tenantId, 'created_at_s');
    return { tenantId, key };
  }

  describe('the first signing key', () => {
    test('is the first one ever, and signs as soon as it is published', async () => {
      const { signingKeys } = subject().stores;
      const { tenantId, key } = await activeTenant();
      expect(await signingKeys.insertFirst(newSigningKey(tenantId))).toBe('not_first');
      const [stored] = await signingKeys.list(tenantId);
      const { kid, algorithm, publicJwk } = key;
      expect(stored).toMatchObject({ tenantId, kid, algorithm, publicJwk, state: 'active' });
      expect(stored?.activatedAtSeconds).toBeGreaterThanOrEqual(stored?.publishedAtSeconds ?? 0);
      expect(stored).not.toHaveProperty('retiresAtSeconds');
    });

    test('is one of twelve', async () => {
      const { signingKeys } = subject().stores;
      const tenantId = newId();
      const outcomes = await allAtOnce(12, () => signingKeys.insertFirst(newSigningKey(tenantId)));
      expect(tally(outcomes)).toEqual({ inserted: 1, not_first: 11 });
    });

    test('does not sign before it is published', async () => {
      const { signingKeys } = subject().stores;
      const tenantId = newId();
      await signingKeys.insertFirst(newSigningKey(tenantId));
      expect(await signingKeys.promote(tenantId, DURATIONS)).toBe('not_due');
      expect(await statesOf(tenantId)).toEqual(['pending']);
    });
  });

  describe('a successor', () => {
    test('is the only pending one, and leaves one event', async () => {
      const { tenantId } = await activeTenant();
      const outcomes = await allAtOnce(12, () => insertPending(tenantId));
      expect(tally(outcomes)).toEqual({ inserted: 1, pending_exists: 11 });
      expect(await countRows(subject(), 'audit_events', `nid = '${tenantId}'`)).toBe(1);
      expect(await statesOf(tenantId)).toEqual(['active', 'pending']);
    });

    test('signs once it has been published for the bound, and the old one retires', async () => {
      const { signingKeys } = subject().stores;
      const { tenantId } = await activeTenant();
      const successor = newSigningKey(tenantId);
      await insertPending(tenantId, successor);
      await signingKeys.markPublished(newId(), [successor.kid]);
      await setBack(tenantId, 'published_at_s');
      expect(await signingKeys.promote(tenantId, DURATIONS)).toBe('not_due');
      await signingKeys.markPublished(tenantId, [successor.kid, newId()]);
      const published = (await signingKeys.list(tenantId))[1]?.publishedAtSeconds;
      expect(await signingKeys.promote(tenantId, DURATIONS)).toBe('not_due');
      expect(await statesOf(tenantId)).toEqual(['active', 'pending']);
      await setBack(tenantId, 'published_at_s');
      await signingKeys.markPublished(tenantId, [successor.kid]);
      expect((await signingKeys.list(tenantId))[1]?.publishedAtSeconds).toBe(
        (published ?? 0) - 1000,
      );
      const outcomes = await allAtOnce(12, () => signingKeys.promote(tenantId, DURATIONS));
      expect(tally(outcomes)).toEqual({ promoted: 1, not_due: 11 });
      const [old, active] = await signingKeys.list(tenantId);
      expect([old?.state, active?.state]).toEqual(['retiring', 'active']);
      const lives = (old?.retiresAtSeconds ?? 0) - (active?.activatedAtSeconds ?? 0);
      expect(Math.abs(lives - DURATIONS.retiringSeconds)).toBeLessThanOrEqual(1);
    });

    test('lets the old one retire when its time is over, private half and all', async () => {
      const { signingKeys } = subject().stores;
      const { tenantId, key } = await activeTenant();
      await subject().run(`UPDATE signing_keys SET state = 'retiring', retired_at_s = 9999999999
        WHERE nid = '${tenantId}'`);
      await signingKeys.retireDue(tenantId);
      expect(await statesOf(tenantId)).toEqual(['retiring']);
      await subject().run(`UPDATE signing_keys SET retired_at_s = 1 WHERE nid = '${tenantId}'`);
      await signingKeys.retireDue(newId());
      expect(await statesOf(tenantId)).toEqual(['retiring']);
      await signingKeys.retireDue(tenantId);
      expect(await statesOf(tenantId)).toEqual(['retired']);
      const where = `nid = '${tenantId}' AND sealed_private_jwk = ''`;
      expect(await countRows(subject(), 'signing_keys', where)).toBe(1);
      expect(await signingKeys.listSealed()).not.toContainEqual(
        expect.objectContaining({ kid: key.kid }),
      );
    });
  });

  test('a sealed half is sealed anew only as it was seen', async () => {
    const { signingKeys } = subject().stores;
    const { tenantId, key } = await activeTenant();
    const { kid } = key;
    const sealed = async () => (await signingKeys.listSealed()).find((other) => other.kid === kid);
    await signingKeys.reseal({ tenantId, kid, oldSealed: 'other', newSealed: 'wrong' });
    await signingKeys.reseal({ tenantId: newId(), kid, oldSealed: 'sealed', newSealed: 'wrong' });
    expect(await sealed()).toEqual({ tenantId, kid, sealedPrivateJwk: 'sealed' });
    await signingKeys.reseal({ tenantId, kid, oldSealed: 'sealed', newSealed: 'new' });
    expect(await sealed()).toEqual({ tenantId, kid, sealedPrivateJwk: 'new' });
  });

  test('a revoked key is retired at once, and replaced if it was the last', async () => {
    const { signingKeys } = subject().stores;
    const { tenantId, key } = await activeTenant();
    await signingKeys.replaceRevoked([newId()], newSigningKey(tenantId));
    expect(await statesOf(tenantId)).toEqual(['active']);
    const replacement = newSigningKey(tenantId);
    await signingKeys.replaceRevoked([key.kid], replacement);
    expect(await statesOf(tenantId)).toEqual(['retired', 'pending']);
    await signingKeys.replaceRevoked([key.kid], newSigningKey(tenantId));
    expect((await signingKeys.list(tenantId)).map(({ kid }) => kid)).toEqual([
      ...[key.kid, replacement.kid],
    ]);
  });

  test('keys are listed by tenant or all together, oldest first', async () => {
    const { signingKeys } = subject().stores;
    const { tenantId, key } = await activeTenant();
    expect((await signingKeys.list(tenantId)).map(({ kid }) => kid)).toEqual([key.kid]);
    const all = await signingKeys.listAll();
    const created = all.map(({ createdAtSeconds }) => createdAtSeconds);
    expect(created).toEqual([...created].sort((one, other) => one - other));
    expect(all).toContainEqual((await signingKeys.list(tenantId))[0]);
  });
}
