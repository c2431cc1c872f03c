/** The contract of `TenantStore`. */

import { scopeIdOfUuid } from '@cardea/shared/feed/scope-id';
import { describe, expect, test } from 'vitest';
import { revocationOfTenant } from '../../src/revocations/new-revocation.ts';
import type { NewTenant, TenantDeletion, TenantUpdate } from '../../src/tenants/store.ts';
import { allAtOnce, auditOf, insertion, newId, newKey, newSigningKey, tally } from './fixtures.ts';
import { countAll, countRows, type Subject } from './subject.ts';

function newTenant(change: Partial<NewTenant> = {}): NewTenant {
  const tenantId = newId();
  const settings = { apiKeyPrefix: 'acme', apiKeysMax: 5 };
  return { tenantId, name: 'Acme', hosts: [`${tenantId}.test`], settings, ...change };
}

function updateOf(
  { tenantId, name, hosts, settings }: NewTenant,
  change: Partial<TenantUpdate> = {},
): TenantUpdate {
  const audit = auditOf(tenantId, tenantId, 'tenant.update');
  return { ...{ tenantId, revision: 1, name, hosts, settings, audit }, ...change };
}

function deletionOf(tenantId: string, isForced = false): TenantDeletion {
  const cause = { revocationId: newId(), tenantId, cause: 'test', livesSeconds: 100 };
  const audit = auditOf(tenantId, tenantId, 'tenant.delete');
  return { tenantId, isForced, revocation: revocationOfTenant(cause), audit };
}

export function testTenants(subject: () => Subject): void {
  async function insertTenant(change: Partial<NewTenant> = {}) {
    const tenant = newTenant(change);
    const audit = auditOf(tenant.tenantId, tenant.tenantId, 'tenant.create');
    const inserted = await subject().stores.tenants.insert(tenant, audit);
    return { tenant, audit, inserted };
  }

  describe('a tenant', () => {
    test('is found by its id and its hosts, with all that it has', async () => {
      const { tenants, audit: events } = subject().stores;
      const hosts = [`a.${newId()}.test`, `b.${newId()}.test`];
      const { tenant, inserted, audit } = await insertTenant({ hosts: [...hosts].reverse() });
      if (inserted.outcome !== 'inserted') throw new Error(inserted.outcome);
      const { createTime } = inserted.tenant;
      expect(inserted.tenant).toEqual({
        ...{ ...tenant, hosts, createTime, updateTime: createTime, revision: 1 },
      });
      expect(await tenants.find(tenant.tenantId)).toEqual(inserted.tenant);
      for (const host of hosts) expect(await tenants.findByHost(host)).toEqual(inserted.tenant);
      expect(await tenants.find(newId())).toBeUndefined();
      expect(await tenants.findByHost('other.test')).toBeUndefined();
      expect(await events.findMany([audit.eventId])).toHaveLength(1);
    });

    test('takes no host of another, and leaves no trace of the attempt', async () => {
      const { tenant } = await insertTenant();
      const before = await countAll(subject());
      const { inserted } = await insertTenant({ hosts: [`${newId()}.test`, ...tenant.hosts] });
      expect(inserted).toEqual({ outcome: 'host_taken' });
      expect(await countAll(subject())).toEqual(before);
    });

    test('may have no host and no settings', async () => {
      const { inserted, tenant } = await insertTenant({ hosts: [], settings: {} });
      expect(inserted).toMatchObject({ outcome: 'inserted', tenant: { hosts: [], settings: {} } });
      expect(await subject().stores.tenants.find(tenant.tenantId)).toMatchObject({ hosts: [] });
    });

    test('one of twelve gets a host', async () => {
      const hosts = [`${newId()}.test`, `${newId()}.test`];
      const results = await allAtOnce(12, (place) =>
        insertTenant({ hosts: place % 2 === 0 ? hosts : [...hosts].reverse() }),
      );
      const outcomes = results.map(({ inserted }) => inserted.outcome);
      expect(tally(outcomes)).toEqual({ inserted: 1, host_taken: 11 });
    });
  });

  describe('tenants', () => {
    test('are listed by id, page by page', async () => {
      const { tenants } = subject().stores;
      await insertTenant();
      await insertTenant();
      const ids: string[] = [];
      let next: { readonly afterTenantId?: string } = {};
      for (;;) {
        const page = await tenants.list({ pageSize: 2, ...next });
        ids.push(...page.tenants.map(({ tenantId }) => tenantId));
        if (page.nextAfterTenantId === undefined) break;
        next = { afterTenantId: page.nextAfterTenantId };
      }
      expect(ids).toEqual([...ids].sort());
      expect(ids).toHaveLength(await countRows(subject(), 'tenants'));
    });
  });

  describe('updating a tenant', () => {
    test('replaces what may change', async () => {
      const { tenants } = subject().stores;
      const { tenant, inserted } = await insertTenant();
      const hosts = [tenant.hosts[0] ?? '', `${newId()}.test`].sort();
      const update = updateOf(tenant, { name: 'New', hosts, settings: {} });
      const updated = await tenants.update(update);
      if (updated.outcome !== 'updated') throw new Error(updated.outcome);
      expect(updated.tenant).toEqual({
        ...('tenant' in inserted && inserted.tenant),
        ...{ name: 'New', hosts, settings: {}, revision: 2, updateTime: updated.tenant.updateTime },
      });
      const bare = updateOf(tenant, { revision: 2, hosts: [] });
      expect(await tenants.update(bare)).toMatchObject({ tenant: { hosts: [], revision: 3 } });
      expect(await tenants.findByHost(hosts[0] ?? '')).toBeUndefined();
    });

    test('refused, leaves no trace', async () => {
      const { tenants } = subject().stores;
      const { tenant } = await insertTenant();
      const { tenant: other } = await insertTenant();
      const before = await countAll(subject());
      const stored = await tenants.find(tenant.tenantId);
      const refusals = [
        [updateOf(tenant, { revision: 2 }), 'changed_meanwhile'],
        [updateOf(tenant, { hosts: [`${newId()}.test`, ...other.hosts] }), 'host_taken'],
        [updateOf(newTenant()), 'not_found'],
      ] as const;
      for (const [update, outcome] of refusals) {
        expect(await tenants.update(update)).toEqual({ outcome });
      }
      expect(await countAll(subject())).toEqual(before);
      expect(await tenants.find(tenant.tenantId)).toEqual(stored);
    });

    test('at the same moment: one of twelve', async () => {
      const { tenants } = subject().stores;
      const { tenant } = await insertTenant();
      const results = await allAtOnce(12, () => tenants.update(updateOf(tenant)));
      expect(tally(results.map(({ outcome }) => outcome))).toEqual({
        ...{ updated: 1, changed_meanwhile: 11 },
      });
      expect(await tenants.findByHost(tenant.hosts[0] ?? '')).toMatchObject({ revision: 2 });
    });
  });
}

export function testTenantDeletion(subject: () => Subject): void {
  async function insertTenant() {
    const tenant = newTenant();
    const { tenantId } = tenant;
    await subject().stores.tenants.insert(tenant, auditOf(tenantId, tenantId, 'tenant.create'));
    return tenant;
  }

  describe('deleting a tenant', () => {
    test('is refused while it has live keys, unless forced', async () => {
      const { stores, run } = subject();
      const { tenantId } = await insertTenant();
      const key = newKey(tenantId);
      await stores.apiKeys.insert(insertion(key));
      for (const state of ['disable_time_ms = 1', 'overlap_end_ms = 9999999999999']) {
        await run(`UPDATE api_keys SET ${state} WHERE key_id = '${key.keyId}'`);
        const before = await countAll(subject());
        const refused = await stores.tenants.delete(deletionOf(tenantId));
        expect(refused).toEqual({ outcome: 'has_live_keys' });
        expect(await countAll(subject())).toEqual(before);
      }
      expect(await stores.tenants.delete(deletionOf(tenantId, true))).toMatchObject({
        ...{ outcome: 'deleted', revocation: { scope: 'tenant', tenantId } },
      });
    });

    test.each(['expire_time_ms = 1', `state = 'revoked'`, 'overlap_end_ms = 1'])(
      'is not kept from by a key with %s',
      async (state) => {
        const { stores, run } = subject();
        const { tenantId } = await insertTenant();
        const key = newKey(tenantId);
        await stores.apiKeys.insert(insertion(key));
        await run(`UPDATE api_keys SET ${state} WHERE key_id = '${key.keyId}'`);
        const { outcome } = await stores.tenants.delete(deletionOf(tenantId));
        expect(outcome).toBe('deleted');
      },
    );

    test('takes what belongs to it and nothing else; events and revocations stay', async () => {
      const { stores } = subject();
      const [one, other] = [await insertTenant(), await insertTenant()];
      for (const { tenantId } of [one, other]) {
        const idempotency = { requestId: 'r', requestHash: 'h' };
        await stores.apiKeys.insert(insertion(newKey(tenantId), { idempotency }));
        await stores.signingKeys.insertFirst(newSigningKey(tenantId));
        const credentialId = newId();
        await stores.adminCredentials.insert(
          {
            ...{ credentialId, tenantId, name: 'n', role: 'owner', secretHash: 'hash' },
            end: { afterSeconds: 60 },
          },
          auditOf(tenantId, credentialId, 'admin_credential.create'),
        );
      }
      const rowsOf = async (nid: string, table: string) =>
        countRows(subject(), table, `nid = '${nid}'`);
      const deletion = deletionOf(one.tenantId, true);
      const deleted = await stores.tenants.delete(deletion);
      expect(deleted).toMatchObject({
        revocation: { entry: { scopeId: scopeIdOfUuid(one.tenantId) } },
      });
      const belongings = ['api_keys', 'idempotent_requests', 'signing_keys', 'admin_credentials'];
      for (const table of [...belongings, 'tenant_hosts', 'tenants']) {
        expect([table, await rowsOf(one.tenantId, table)]).toEqual([table, 0]);
        expect([table, await rowsOf(other.tenantId, table)]).toEqual([table, 1]);
      }
      expect(await rowsOf(one.tenantId, 'audit_events')).toBe(4);
      expect(await rowsOf(one.tenantId, 'revocations')).toBe(1);
      expect(await stores.tenants.findByHost(one.hosts[0] ?? '')).toBeUndefined();
      expect(await stores.tenants.delete(deletionOf(one.tenantId))).toEqual({
        outcome: 'not_found',
      });
    });

    test('happens once of twelve times', async () => {
      const { tenantId } = await insertTenant();
      const results = await allAtOnce(12, () =>
        subject().stores.tenants.delete(deletionOf(tenantId)),
      );
      expect(tally(results.map(({ outcome }) => outcome))).toEqual({ deleted: 1, not_found: 11 });
      expect(await countRows(subject(), 'revocations', `nid = '${tenantId}'`)).toBe(1);
    });
  });
}
