import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import { unixMilliseconds } from '@cardea/shared/time';
import { describe, expect, test } from 'vitest';
import type { UnknownHost } from '../config.ts';
import { StoreUnavailable } from '../store-unavailable.ts';
import type { StoredTenant } from './store.ts';
import {
  createTenantResolver,
  NO_TENANT_REMEMBERED_MILLISECONDS,
  TENANT_REMEMBERED_MILLISECONDS,
} from './tenant-resolver.ts';

const DEFAULTS = {
  ...{ issuer: 'https://auth.example', audience: 'https://api.example' },
  ...{ apiKeyPrefix: 'ck', publicApiKeyPrefix: 'ckp', retiredApiKeyPrefixes: ['old'] },
  ...{ apiKeyTtlDefaultSeconds: 100, apiKeyTtlMaxSeconds: 1000 },
  ...{ derivedTokenTtlDefaultSeconds: 10, derivedTokenTtlMaxSeconds: 50 },
};

const tenantAt = (host: string, settings: StoredTenant['settings'] = {}): StoredTenant => ({
  ...{ tenantId: `id of ${host}`, name: 'n', hosts: [host], settings, revision: 1 },
  ...{ createTime: unixMilliseconds(1), updateTime: unixMilliseconds(1) },
});

function setUp(unknownHost: UnknownHost = 'default_tenant') {
  const clock = { at: 1_000_000, now: () => unixMilliseconds(clock.at) };
  const stored = new Map<string, StoredTenant>();
  const asked: string[] = [];
  const state = { isDown: false, meanwhile: () => {} };
  const answer = (name: string, found: (tenant: StoredTenant) => boolean) => {
    asked.push(name);
    if (state.isDown) return Promise.reject(new StoreUnavailable());
    const tenant = [...stored.values()].find(found);
    state.meanwhile();
    return Promise.resolve(tenant);
  };
  const resolver = createTenantResolver({
    store: {
      find: (id) => answer(id, ({ tenantId }) => tenantId === id),
      findByHost: (host) => answer(host, ({ hosts }) => hosts.includes(host)),
      list: async ({ pageSize, afterTenantId = '' }) => {
        const all = [...stored.values()].filter(({ tenantId }) => tenantId > afterTenantId);
        const tenants = all.slice(0, pageSize);
        const last = tenants.at(-1);
        const isMore = all.length > pageSize && last !== undefined;
        return { tenants, ...(isMore ? { nextAfterTenantId: last.tenantId } : {}) };
      },
    },
    config: { ...DEFAULTS, defaultTenantHosts: ['auth.example'], unknownHost },
    clock,
  });
  const idOf = async (host: string) => (await resolver.byHost(host))?.tenantId;
  return { asked, clock, idOf, resolver, state, stored };
}

describe('the tenant of a host', () => {
  test.each([
    ['default_tenant', 'nobody.example', DEFAULT_TENANT_ID],
    ['default_tenant', 'not a host', DEFAULT_TENANT_ID],
    ['refuse', 'nobody.example', undefined],
    ['refuse', '*.example', undefined],
    ['refuse', 'auth.example:4420', DEFAULT_TENANT_ID],
    ['refuse', 'A.Example.:443', 'id of a.example'],
  ] as const)('with UNKNOWN_HOST=%s and %s', async (unknownHost, host, expected) => {
    const { idOf, stored } = setUp(unknownHost);
    stored.set('a', tenantAt('a.example'));
    expect(await idOf(host)).toBe(expected);
  });

  test('is not looked up for the hosts of the default tenant, even while the database is away', async () => {
    const { asked, idOf, resolver, state } = setUp('refuse');
    state.isDown = true;
    expect(await idOf('auth.example')).toBe(DEFAULT_TENANT_ID);
    expect((await resolver.byId(DEFAULT_TENANT_ID))?.tenantId).toBe(DEFAULT_TENANT_ID);
    expect(asked).toEqual([]);
    await expect(idOf('a.example')).rejects.toThrow(StoreUnavailable);
  });
});

describe('what is remembered', () => {
  test('a tenant for 5 seconds, none for 1', async () => {
    const { asked, clock, idOf, stored } = setUp('refuse');
    expect(await idOf('a.example')).toBeUndefined();
    stored.set('a', tenantAt('a.example'));
    clock.at += NO_TENANT_REMEMBERED_MILLISECONDS - 1;
    expect(await idOf('a.example')).toBeUndefined();
    clock.at += 1;
    expect(await idOf('a.example')).toBe('id of a.example');
    stored.clear();
    clock.at += TENANT_REMEMBERED_MILLISECONDS - 1;
    expect(await idOf('a.example')).toBe('id of a.example');
    clock.at += 1;
    expect(await idOf('a.example')).toBeUndefined();
    expect(asked).toHaveLength(3);
  });

  test('is forgotten when this process has changed a tenant, answers under way included', async () => {
    const { idOf, resolver, state, stored } = setUp('refuse');
    stored.set('a', tenantAt('a.example'));
    state.meanwhile = () => resolver.forget();
    expect(await idOf('a.example')).toBe('id of a.example');
    state.meanwhile = () => {};
    stored.clear();
    expect(await idOf('a.example')).toBeUndefined();
  });

  test('is not used when the clock goes backwards', async () => {
    const { clock, idOf, stored } = setUp('refuse');
    stored.set('a', tenantAt('a.example'));
    await idOf('a.example');
    stored.clear();
    clock.at -= 1;
    expect(await idOf('a.example')).toBeUndefined();
  });

  test('is bounded: the oldest answer makes room', async () => {
    const { asked, idOf, stored } = setUp('refuse');
    stored.set('a', tenantAt('a.example'));
    await idOf('a.example');
    for (let i = 0; i < 999; i++) await idOf(`h${i}.example`);
    await idOf('a.example');
    expect(asked).toHaveLength(1000);
    await idOf('one-more.example');
    await idOf('a.example');
    expect(asked).toHaveLength(1002);
  });

  test('is no failure: the next request asks again', async () => {
    const { idOf, state, stored } = setUp('refuse');
    state.isDown = true;
    await expect(idOf('a.example')).rejects.toThrow(StoreUnavailable);
    state.isDown = false;
    stored.set('a', tenantAt('a.example'));
    expect(await idOf('a.example')).toBe('id of a.example');
  });
});

test('all tenants come page by page, the default one first', async () => {
  const { resolver, stored } = setUp();
  for (let i = 1000; i < 2200; i++) stored.set(`${i}`, tenantAt(`${i}.example`));
  const ids = (await resolver.all()).map(({ tenantId }) => tenantId);
  expect([ids.length, ids[0], new Set(ids).size]).toEqual([1201, DEFAULT_TENANT_ID, 1201]);
});

test('a tenant has its own settings, within what the deployment allows now', async () => {
  const { resolver, stored } = setUp();
  const settings = {
    ...{ issuer: 'https://a.example', apiKeyTtlMaxSeconds: 5000, apiKeyTtlDefaultSeconds: 5000 },
    ...{ derivedTokenTtlMaxSeconds: 80, derivedTokenTtlDefaultSeconds: 5, apiKeysMax: 7 },
  };
  stored.set('a', tenantAt('a.example', settings));
  expect(await resolver.byHost('a.example')).toEqual({
    ...{ tenantId: 'id of a.example', issuer: 'https://a.example', audience: 'https://a.example' },
    ...{ apiKeyPrefix: 'ck', publicApiKeyPrefix: 'ckp', retiredApiKeyPrefixes: ['old'] },
    ...{ apiKeyTtlDefaultSeconds: 1000, apiKeyTtlMaxSeconds: 1000, apiKeysMax: 7 },
    ...{ derivedTokenTtlDefaultSeconds: 5, derivedTokenTtlMaxSeconds: 50 },
  });
});
