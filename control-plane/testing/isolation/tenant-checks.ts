/** Isolation of `TenantStore`, of the admin credentials of a tenant, and of its audit events. */

import { expect } from 'vitest';
import { revocationOfTenant } from '../../src/revocations/new-revocation.ts';
import type { TenantDeletion, TenantUpdate } from '../../src/tenants/store.ts';
import {
  auditOf,
  insertion,
  LIVES_SECONDS,
  newId,
  newKey,
  newSigningKey,
} from '../contracts/fixtures.ts';
import { type Check, eventOf, mark, type Pair, unnoticed, withoutEffect } from './pair.ts';

const hostOf = (tenantId: string) => `${tenantId}.example`;

/** A tenant with one of everything that a tenant can have. */
async function seedTenant({ seed }: Pair, tenantId: string, isLive = false): Promise<void> {
  const tenant = { tenantId, name: tenantId, hosts: [hostOf(tenantId)], settings: {} };
  await seed.tenants.insert(tenant, eventOf(tenantId, tenantId));
  const key = newKey(tenantId, { ttlSeconds: isLive ? 60 : 0.001 });
  const idempotency = { requestId: 'r', requestHash: 'h' };
  await seed.apiKeys.insert(insertion(key, { idempotency }));
  await seed.signingKeys.insertFirst(newSigningKey(tenantId));
  await seedCredential(seed, tenantId);
}

async function seedCredential(seed: Pair['seed'], tenantId: string): Promise<string> {
  const credentialId = newId();
  const named = { credentialId, tenantId, name: 'c', role: 'owner', secretHash: '00' } as const;
  await seed.adminCredentials.insert(
    { ...named, end: { afterSeconds: 60 } },
    auditOf(tenantId, credentialId, 'admin_credential.create'),
  );
  return credentialId;
}

function updateOf(tenantId: string, change: Partial<TenantUpdate> = {}): TenantUpdate {
  return {
    ...{ tenantId, revision: 1, name: 'new', hosts: [hostOf(tenantId)], settings: {} },
    audit: eventOf(tenantId, tenantId),
    ...change,
  };
}

function deletionOf(tenantId: string, isForced: boolean): TenantDeletion {
  const cause = { revocationId: newId(), tenantId, cause: 'test', livesSeconds: LIVES_SECONDS };
  return {
    ...{ tenantId, isForced, revocation: revocationOfTenant(cause) },
    audit: eventOf(tenantId, tenantId),
  };
}

const TENANTS: readonly Check[] = [
  {
    name: 'tenants.find and findByHost find each tenant with its own hosts',
    async run(pair) {
      const { act, tenant, victim } = pair;
      await seedTenant(pair, victim);
      expect(await act.tenants.find(tenant)).toBeUndefined();
      expect(await act.tenants.findByHost(hostOf(tenant))).toBeUndefined();
      await seedTenant(pair, tenant);
      for (const tenantId of [victim, tenant]) {
        const expected = { tenantId, hosts: [hostOf(tenantId)] };
        expect(await act.tenants.find(tenantId)).toMatchObject(expected);
        expect(await act.tenants.findByHost(hostOf(tenantId))).toMatchObject(expected);
      }
    },
  },
  {
    name: 'tenants.list lists each tenant with its own hosts',
    async run(pair) {
      const { act, tenant, victim } = pair;
      for (const tenantId of [victim, tenant]) await seedTenant(pair, tenantId);
      const { tenants } = await act.tenants.list({ pageSize: 10_000 });
      for (const tenantId of [victim, tenant]) {
        const listed = tenants.find((each) => each.tenantId === tenantId);
        expect(listed?.hosts).toEqual([hostOf(tenantId)]);
      }
    },
  },
  {
    name: 'tenants.insert with a host of another tenant leaves nothing',
    async run(pair) {
      const { act, tenant, victim } = pair;
      await seedTenant(pair, victim);
      const taken = [hostOf(tenant), hostOf(victim)];
      const wanted = { tenantId: tenant, name: 'n', hosts: taken, settings: {} };
      const audit = eventOf(tenant, tenant);
      for (const isMarked of [false, true]) {
        if (isMarked) await mark(pair, 'tenants', audit);
        const refused = await withoutEffect(pair, () => act.tenants.insert(wanted, audit));
        expect(refused).toEqual({ outcome: 'host_taken' });
      }
      const free = { ...wanted, hosts: [hostOf(tenant)] };
      const inserted = await unnoticed(pair, () => act.tenants.insert(free, audit));
      expect(inserted).toMatchObject({ outcome: 'inserted', tenant: { tenantId: tenant } });
    },
  },
  {
    name: 'tenants.update changes its own row alone, from its own revision, to free hosts',
    async run(pair) {
      const { act, run, tenant, victim } = pair;
      await seedTenant(pair, victim);
      const refusedTo = async (update: TenantUpdate) => {
        const outcomes = new Set<string>();
        for (const isMarked of [false, true]) {
          if (isMarked) await mark(pair, 'tenants', update.audit);
          outcomes.add((await withoutEffect(pair, () => act.tenants.update(update))).outcome);
        }
        return [...outcomes];
      };
      expect(await refusedTo(updateOf(tenant))).toEqual(['not_found']);
      await seedTenant(pair, tenant);
      const hosts = [hostOf(tenant), hostOf(victim)];
      expect(await refusedTo(updateOf(tenant, { hosts }))).toEqual(['host_taken']);
      await run(`UPDATE tenants SET revision = 7 WHERE nid = '${tenant}'`);
      expect(await refusedTo(updateOf(tenant))).toEqual(['changed_meanwhile']);
      const update = updateOf(tenant, { revision: 7 });
      const updated = await unnoticed(pair, () => act.tenants.update(update));
      expect(updated).toMatchObject({
        outcome: 'updated',
        tenant: { tenantId: tenant, name: 'new', hosts: [hostOf(tenant)] },
      });
    },
  },
  {
    name: 'tenants.delete looks at its own keys alone, and leaves nothing half done',
    async run(pair) {
      const { act, tenant, victim } = pair;
      await seedTenant(pair, victim, true);
      const refusedTo = async () => {
        const deletion = deletionOf(tenant, false);
        await mark(pair, 'tenants', deletion.audit);
        return (await withoutEffect(pair, () => act.tenants.delete(deletion))).outcome;
      };
      expect(await refusedTo()).toBe('not_found');
      await seedTenant(pair, tenant, true);
      expect(await refusedTo()).toBe('has_live_keys');
    },
  },
  {
    name: 'tenants.delete takes what belongs to it and to nobody else',
    async run(pair) {
      const { act, run, tenant, victim } = pair;
      await seedTenant(pair, victim, true);
      for (const [isForced, isMarked] of [
        [false, false],
        [true, false],
        [false, true],
      ] as const) {
        await seedTenant(pair, tenant, isForced);
        await run(`UPDATE api_keys SET expire_time_ms = 1
          WHERE nid = '${tenant}' AND ${isForced ? '1 = 0' : '1 = 1'}`);
        const deletion = deletionOf(tenant, isForced);
        if (isMarked) await mark(pair, 'tenants', deletion.audit);
        const deleted = await unnoticed(pair, () => act.tenants.delete(deletion));
        expect(deleted.outcome).toBe('deleted');
        const belongings = ['api_keys', 'idempotent_requests', 'signing_keys', 'admin_credentials'];
        for (const table of ['tenants', 'tenant_hosts', ...belongings]) {
          expect(await run(`SELECT nid FROM ${table} WHERE nid = '${tenant}'`)).toEqual([]);
        }
      }
    },
  },
];

const CREDENTIALS: readonly Check[] = [
  {
    name: "adminCredentials.list lists a tenant's own alone",
    async run(pair) {
      const { act, seed, tenant: tenantId, victim } = pair;
      await seedCredential(seed, victim);
      expect((await act.adminCredentials.list({ tenantId, pageSize: 9 })).credentials).toEqual([]);
      const credentialId = await seedCredential(seed, tenantId);
      const { credentials } = await act.adminCredentials.list({ tenantId, pageSize: 9 });
      expect(credentials.map((credential) => credential.credentialId)).toEqual([credentialId]);
    },
  },
  {
    name: "adminCredentials.revoke and replace of another tenant's change nothing",
    async run(pair) {
      const { act, seed, tenant: tenantId, victim } = pair;
      const credentialId = await seedCredential(seed, victim);
      const audit = eventOf(tenantId, credentialId);
      const revoke = () => act.adminCredentials.revoke({ tenantId, credentialId, audit });
      expect(await withoutEffect(pair, revoke)).toBe('not_found');
      const replace = () =>
        act.adminCredentials.replace({
          ...{ tenantId, oldCredentialId: credentialId, overlapSeconds: 0, audit },
          replacement: { credentialId: newId(), secretHash: '11' },
        });
      expect(await withoutEffect(pair, replace)).toEqual({ outcome: 'not_found' });
    },
  },
  {
    name: "adminCredentials.revoke and replace of a tenant's own leave others alone",
    async run(pair) {
      const { act, seed, tenant: tenantId, victim } = pair;
      await seedCredential(seed, victim);
      const [first, second] = [
        await seedCredential(seed, tenantId),
        await seedCredential(seed, tenantId),
      ];
      const revoke = () =>
        act.adminCredentials.revoke({
          ...{ tenantId, credentialId: first, audit: eventOf(tenantId, first) },
        });
      expect(await unnoticed(pair, revoke)).toBe('revoked');
      const replace = () =>
        act.adminCredentials.replace({
          ...{ tenantId, oldCredentialId: second, overlapSeconds: 0 },
          replacement: { credentialId: newId(), secretHash: '11' },
          audit: eventOf(tenantId, second),
        });
      expect((await unnoticed(pair, replace)).outcome).toBe('replaced');
    },
  },
];

const EVENTS: readonly Check[] = [
  {
    name: 'audit.append counts its own events alone',
    async run(pair) {
      const { act, seed, tenant, victim } = pair;
      const event = (tenantId: string) => auditOf(tenantId, 't', 'api_key.verification_failed');
      await seed.audit.append(event(victim));
      const append = () => act.audit.append(event(tenant), { perMinuteMax: 1 });
      expect(await unnoticed(pair, append)).toBe('appended');
      expect(await withoutEffect(pair, append)).toBe('over_limit');
    },
  },
  {
    name: 'audit.list lists its own events alone',
    async run(pair) {
      const { act, seed, tenant: tenantId, victim } = pair;
      await seed.audit.append(eventOf(victim, 't'));
      expect((await act.audit.list({ tenantId, pageSize: 9 })).events).toEqual([]);
      const own = eventOf(tenantId, 't');
      await seed.audit.append(own);
      const { events } = await act.audit.list({ tenantId, pageSize: 9 });
      expect(events.map(({ eventId }) => eventId)).toEqual([own.eventId]);
    },
  },
];

export const TENANT_CHECKS: readonly Check[] = [...TENANTS, ...CREDENTIALS, ...EVENTS];
