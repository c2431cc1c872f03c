/** The contract of `AdminCredentialStore`. */

import { unixMilliseconds } from '@cardea/shared/time';
import { describe, expect, test } from 'vitest';
import type { NewAdminCredential } from '../../src/admin-credentials/store.ts';
import { allAtOnce, auditOf, newId, tally } from './fixtures.ts';
import { countAll, type Subject } from './subject.ts';

export function testAdminCredentials(subject: () => Subject): void {
  const auditFor = (credentialId: string) =>
    auditOf(newId(), credentialId, 'admin_credential.rotate');

  async function insertCredential(change: Partial<NewAdminCredential> = {}) {
    const credential: NewAdminCredential = {
      ...{ credentialId: newId(), tenantId: newId(), name: 'ops', role: 'operator' },
      ...{ secretHash: 'ab'.repeat(32), end: { afterSeconds: 60 } },
      ...change,
    };
    const { credentialId } = credential;
    return subject().stores.adminCredentials.insert(credential, auditFor(credentialId));
  }
  const set = (credentialId: string, change: string) =>
    subject().run(`UPDATE admin_credentials SET ${change} WHERE credential_id = '${credentialId}'`);
  const replacementOf = (oldCredentialId: string, overlapSeconds = 60) => {
    const credentialId = newId();
    const replacement = { credentialId, secretHash: 'cd'.repeat(32) };
    return { oldCredentialId, overlapSeconds, replacement, audit: auditFor(credentialId) };
  };

  describe('an admin credential', () => {
    test('is found as it was made', async () => {
      const { adminCredentials, audit } = subject().stores;
      const tenantId = newId();
      const inserted = await insertCredential({ tenantId, role: 'auditor' });
      const { createTime, expireTime = 0, credentialId } = inserted;
      expect(inserted).toEqual({
        ...{ credentialId, tenantId, name: 'ops', role: 'auditor', createTime, expireTime },
      });
      expect(Math.abs(expireTime - createTime - 60_000)).toBeLessThan(1000);
      const found = await adminCredentials.find(credentialId);
      expect(found).toMatchObject({ credential: inserted, secretHash: 'ab'.repeat(32) });
      expect(found?.now).toBeGreaterThanOrEqual(createTime);
      expect(await adminCredentials.find(newId())).toBeUndefined();
      const { events } = await audit.list({ targetId: credentialId, pageSize: 9 });
      expect(events).toHaveLength(1);
    });

    test('of every tenant ends at an exact time', async () => {
      const end = { expireTime: unixMilliseconds(4_102_444_800_123) };
      const credentialId = newId();
      const { adminCredentials } = subject().stores;
      const everywhere = { credentialId, name: 'root', role: 'owner', end } as const;
      const inserted = await adminCredentials.insert(
        { ...everywhere, secretHash: 'ab'.repeat(32) },
        auditFor(credentialId),
      );
      expect(inserted).not.toHaveProperty('tenantId');
      expect(inserted.expireTime).toBe(end.expireTime);
    });

    test('is listed by id within its scope', async () => {
      const { adminCredentials } = subject().stores;
      const tenantId = newId();
      const made = [];
      for (let place = 0; place < 3; place++) made.push(await insertCredential({ tenantId }));
      await insertCredential();
      const ids = made.map(({ credentialId }) => credentialId).sort();
      const first = await adminCredentials.list({ tenantId, pageSize: 2 });
      expect(first.credentials.map(({ credentialId }) => credentialId)).toEqual(ids.slice(0, 2));
      const { nextAfterCredentialId: afterCredentialId = '' } = first;
      const second = await adminCredentials.list({ tenantId, pageSize: 2, afterCredentialId });
      expect(second.credentials.map(({ credentialId }) => credentialId)).toEqual(ids.slice(2));
      expect(second).not.toHaveProperty('nextAfterCredentialId');
      const all = await adminCredentials.list({ pageSize: 1000 });
      expect(all.credentials.length).toBeGreaterThan(3);
    });
  });

  describe('revoking an admin credential', () => {
    test('ends it now, once, an overlap too', async () => {
      const { adminCredentials } = subject().stores;
      const { credentialId, tenantId = '' } = await insertCredential();
      const audit = () => auditFor(credentialId);
      const before = await countAll(subject());
      for (const scope of [{ tenantId: newId(), credentialId }, { credentialId: newId() }]) {
        expect(await adminCredentials.revoke({ ...scope, audit: audit() })).toBe('not_found');
      }
      expect(await countAll(subject())).toEqual(before);
      await set(credentialId, 'revoke_time_ms = 9999999999999');
      const revoke = () => adminCredentials.revoke({ tenantId, credentialId, audit: audit() });
      expect(tally(await allAtOnce(12, revoke))).toEqual({ revoked: 1, already_revoked: 11 });
      const found = await adminCredentials.find(credentialId);
      expect(found?.credential.revokeTime).toBeLessThanOrEqual(found?.now ?? 0);
    });

    test('also takes an expired one', async () => {
      const { credentialId } = await insertCredential();
      await set(credentialId, 'expire_time_ms = 1');
      const audit = auditFor(credentialId);
      const { adminCredentials } = subject().stores;
      expect(await adminCredentials.revoke({ credentialId, audit })).toBe('revoked');
    });
  });

  describe('replacing an admin credential', () => {
    test('passes on what the old one had, and ends that one after the overlap', async () => {
      const { adminCredentials } = subject().stores;
      const made = await insertCredential();
      const request = replacementOf(made.credentialId, 60);
      const replaced = await adminCredentials.replace(request);
      if (replaced.outcome !== 'replaced') throw new Error(replaced.outcome);
      const { credentialId, secretHash } = request.replacement;
      const { createTime } = replaced.credential;
      expect(replaced.credential).toEqual({ ...made, credentialId, createTime });
      const { revokeTime = 0 } = replaced.old;
      expect(replaced.old).toEqual({ ...made, revokeTime });
      expect(Math.abs(revokeTime - createTime - 60_000)).toBeLessThan(1000);
      expect(await adminCredentials.find(credentialId)).toMatchObject({ secretHash });
    });

    test.each(['revoke_time_ms = 1', 'revoke_time_ms = 9999999999999', 'expire_time_ms = 1'])(
      'of one with %s is refused without a trace',
      async (state) => {
        const { adminCredentials } = subject().stores;
        const { credentialId } = await insertCredential();
        await set(credentialId, state);
        const before = await countAll(subject());
        const refused = await adminCredentials.replace(replacementOf(credentialId));
        expect(refused).toEqual({ outcome: 'not_active' });
        const elsewhere = { ...replacementOf(credentialId), tenantId: newId() };
        expect(await adminCredentials.replace(elsewhere)).toEqual({ outcome: 'not_found' });
        expect(await countAll(subject())).toEqual(before);
      },
    );

    test('at the same moment: one of twelve', async () => {
      const { credentialId } = await insertCredential();
      const { adminCredentials } = subject().stores;
      const results = await allAtOnce(12, () =>
        adminCredentials.replace(replacementOf(credentialId, 0)),
      );
      expect(tally(results.map(({ outcome }) => outcome))).toEqual({ replaced: 1, not_active: 11 });
    });
  });
}
