/** Guarantee: tenants come, change and go over the admin API alone, and each request meets its own. */

import { env } from 'cloudflare:workers';
import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { admin, anonymous, type Call, ISSUED, outcomeOf } from '../../testing/api.ts';
import { publish } from '../../testing/hub.ts';

const TENANTS = '/v1/admin/tenants';
const UNKNOWN = 'de027e2c-4b86-4f9b-9a86-b678b5f11df6';
let hostCount = 0;
const newHost = () => `t${++hostCount}.tenants.example`;

const create = async (request: Record<string, unknown> = {}) => {
  const response = await admin(TENANTS, { body: { name: 'acme', hosts: [newHost()], ...request } });
  if (response.status !== 201) throw new Error(`Create answered ${await outcomeOf(response)}.`);
  return response.json();
};
const patch = (tenantId: string, body: unknown, query = '') =>
  admin(`${TENANTS}/${tenantId}${query}`, { method: 'PATCH', body });
const remove = (tenantId: string, query = '') =>
  admin(`${TENANTS}/${tenantId}${query}`, { method: 'DELETE' });
const messageOf = async (response: Response) => (await response.json()).error.message;

/** An admin call under another host name. */
const under = (host: string, path: string, call: Call = {}) =>
  admin(path, { ...call, origin: `https://${host}` });
const issueUnder = (host: string) => under(host, ISSUED, { body: { name: 'k', actor_id: 'a' } });
const eventsOf = async (tenantId: string) =>
  (
    await env.DB.prepare('SELECT * FROM audit_events WHERE nid = ? ORDER BY time_ms, operation')
      .bind(tenantId)
      .all<{ operation: string; changes: string }>()
  ).results;

beforeAll(publish);
afterEach(async () => {
  await env.DB.exec('DELETE FROM tenants; ');
  await env.DB.exec('DELETE FROM tenant_hosts');
});

describe('a new tenant', () => {
  test('answers what was asked for and what is in force, at the place that Location names', async () => {
    const host = newHost();
    const response = await admin(TENANTS, {
      body: {
        name: 'Acme',
        hosts: [`${host.toUpperCase()}.`, `${host}:443`],
        issuer: `https://${host}`,
        api_key_prefix: 'acme',
        api_key_ttl_max: '30d',
        api_keys_max: 10,
      },
    });
    expect(response.status).toBe(201);
    const tenant = await response.json();
    expect(tenant).toEqual({
      tenant_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      name: 'Acme',
      hosts: [host],
      issuer: `https://${host}`,
      api_key_prefix: 'acme',
      api_key_ttl_max: '2592000s',
      api_keys_max: '10',
      effective: {
        issuer: `https://${host}`,
        audience: `https://${host}`,
        api_key_prefix: 'acme',
        public_api_key_prefix: 'ckp',
        retired_api_key_prefixes: [],
        api_key_ttl_default: '2592000s',
        api_key_ttl_max: '2592000s',
        derived_token_ttl_default: '3600s',
        derived_token_ttl_max: '86400s',
        api_keys_max: '10',
      },
      is_default: false,
      create_time: expect.any(String),
      update_time: tenant.create_time,
    });
    const location = response.headers.get('location') ?? '';
    expect(location).toBe(`${TENANTS}/${tenant.tenant_id}`);
    expect(await (await admin(location)).json()).toEqual(tenant);
  });

  test('is there for the next request to its host, with its own prefix', async () => {
    const { hosts } = await create({ api_key_prefix: 'acme' });
    const { secret } = await (await issueUnder(hosts[0])).json();
    expect(secret).toMatch(/^acme_v1_/);
    const list = async (host: string) =>
      (await (await under(host, ISSUED)).json()).issued_api_keys.length;
    expect(await list(hosts[0])).toBe(1);
    expect(await list('unknown.example')).toBe(0);
  });

  test('has one audit event with what was set, without anything that was not', async () => {
    const { tenant_id: tenantId, hosts } = await create({ audience: 'https://api.example' });
    const events = await eventsOf(tenantId);
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({ operation: 'tenant.create', target_id: tenantId });
    expect(JSON.parse(events[0]?.changes ?? '')).toEqual({
      name: { after: 'acme' },
      hosts: { after: hosts },
      audience: { after: 'https://api.example' },
    });
  });

  test('gets its first signing key from the publisher by itself', async () => {
    const { hosts } = await create();
    await publish();
    const { results } = await env.DB.prepare(
      'SELECT nid, count(*) AS n FROM signing_keys GROUP BY nid',
    ).all();
    expect(results).toHaveLength(2);
    const jwks = await under(hosts[0], '/v2alpha1/derivedKeys/jwks.json');
    expect((await jwks.json()).keys).toHaveLength(1);
  });

  test.each([
    ['without a name', { name: undefined }, 'name: is required'],
    ['with an empty name', { name: '' }, 'name: must have 1 to 255 characters'],
    ['with a long name', { name: 'x'.repeat(256) }, 'name: must have 1 to 255 characters'],
    ['with a host that is none', { hosts: ['a/b'] }, /^hosts: each must be a host name/],
    ['with a wildcard', { hosts: ['*.example'] }, /^hosts: each must be a host name/],
    ['with hosts in a text', { hosts: 'a.example' }, 'hosts: must be an array of texts'],
    ['with an empty host', { hosts: [''] }, 'hosts.0: must have 1 to 253 characters'],
    [
      'with too many hosts',
      { hosts: Array.from({ length: 101 }, (_, i) => `h${i}.example`) },
      'hosts: must have at most 100 elements',
    ],
    ['with an issuer that is no URL', { issuer: 'acme' }, /^issuer: must be an http\(s\) URL/],
    ['with an issuer with a query', { issuer: 'https://a.example/?x' }, /^issuer: must be/],
    ['with an issuer with a fragment', { issuer: 'https://a.example/#x' }, /^issuer: must be/],
    ['with an issuer with a password', { issuer: 'https://a:b@a.example' }, /^issuer: must be/],
    ['with an issuer of another scheme', { issuer: 'ftp://a.example' }, /^issuer: must be/],
    ['with a space in the audience', { audience: 'a b' }, /^audience: must have 1 to 255/],
    ['with a prefix of another alphabet', { api_key_prefix: 'a-b' }, /^api_key_prefix: must be/],
    ['with a long prefix', { api_key_prefix: 'x'.repeat(17) }, /^api_key_prefix: must have/],
    [
      'with the prefix of admin credentials',
      { api_key_prefix: 'cardea_admin' },
      /^api_key_prefix: must be/,
    ],
    [
      'with the prefix of macaroons',
      { public_api_key_prefix: 'mc' },
      /^public_api_key_prefix: must be/,
    ],
    [
      'with a reserved former prefix',
      { retired_api_key_prefixes: ['old', 'mc'] },
      /^retired_api_key_prefixes: each must be/,
    ],
    ['with one prefix for both', { api_key_prefix: 'ckp' }, /^public_api_key_prefix: must differ/],
    [
      'with keys that live longer than the deployment allows',
      { api_key_ttl_max: '8761h' },
      /^api_key_ttl_max: must be whole seconds/,
    ],
    [
      'with tokens that live longer than the deployment allows',
      { derived_token_ttl_max: '86401s' },
      /^derived_token_ttl_max: must be whole seconds/,
    ],
    ['with a part of a second', { api_key_ttl_max: '1.5s' }, /^api_key_ttl_max: must be whole/],
    ['with no life at all', { derived_token_ttl_max: '0s' }, /^derived_token_ttl_max: must be/],
    [
      'with a default above the maximum',
      { api_key_ttl_max: '1h', api_key_ttl_default: '2h' },
      'api_key_ttl_default: must be whole seconds, from 1s to 3600s',
    ],
    ['with a setting that is misspelt', { isuer: 'https://a.example' }, /^has a member besides/],
    ['with an id of its own', { tenant_id: UNKNOWN }, /^has a member besides/],
    ['with a quota of none', { api_keys_max: 0 }, /^api_keys_max: must be from 1/],
    ['with a quota below none', { api_keys_max: '-1' }, /^api_keys_max: must be from 1/],
    ['with a quota beyond numbers', { api_keys_max: '9007199254740993' }, /^api_keys_max: must be/],
  ])('is refused %s', async (_, change, message) => {
    const response = await admin(TENANTS, { body: { name: 'acme', hosts: [], ...change } });
    expect(response.status).toBe(400);
    const { error } = await response.json();
    expect(error.details[0].reason).toBe('BAD_REQUEST');
    if (typeof message === 'string') expect(error.message).toBe(message);
    else expect(error.message).toMatch(message);
  });

  test('cannot take a host of another tenant, nor one of the deployment', async () => {
    const { hosts } = await create();
    const attempts = [
      [newHost(), hosts[0]],
      [`${hosts[0].toUpperCase()}.:8443`],
      [new URL(env.ISSUER).host],
    ];
    for (const taken of attempts) {
      const response = await admin(TENANTS, { body: { name: 'evil', hosts: taken } });
      expect(await outcomeOf(response.clone())).toBe('409 conflict');
      expect(await messageOf(response)).toBe('hosts: one of them belongs to another tenant');
    }
    expect((await (await admin(TENANTS)).json()).tenants).toHaveLength(2);
  });

  test('takes one host of two that ask for it at once', async () => {
    const host = newHost();
    const body = { name: 'acme', hosts: [host] };
    const answers = await Promise.all(Array.from({ length: 6 }, () => admin(TENANTS, { body })));
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([201, 409, 409, 409, 409, 409]);
  });
});

describe('an update', () => {
  test('changes what is sent and nothing else', async () => {
    const tenant = await create({ audience: 'https://api.example' });
    const updated = await (
      await patch(tenant.tenant_id, { name: 'New', issuer: 'https://n.example' })
    ).json();
    expect(updated).toMatchObject({
      ...{ name: 'New', issuer: 'https://n.example', audience: 'https://api.example' },
      hosts: tenant.hosts,
    });
    const [, event] = await eventsOf(tenant.tenant_id);
    expect(event).toMatchObject({ operation: 'tenant.update', target_id: tenant.tenant_id });
    expect(JSON.parse(event?.changes ?? '')).toEqual({
      name: { before: 'acme', after: 'New' },
      issuer: { after: 'https://n.example' },
    });
  });

  test.each(['update_mask=audience,issuer', 'update_mask=audience%2C%20issuer'])(
    'with %s clears what the mask names and the body lacks',
    async (query) => {
      const { tenant_id: id } = await create({ audience: 'https://api.example' });
      const response = await patch(id, { issuer: 'https://n.example', name: 'N' }, `?${query}`);
      const updated = await response.json();
      expect(updated).toMatchObject({ issuer: 'https://n.example', name: 'acme' });
      expect(updated).not.toHaveProperty('audience');
      expect(updated.effective.audience).toBe('https://n.example');
    },
  );

  test('of the hosts moves them: the old ones lead nowhere, the new ones at once', async () => {
    const { tenant_id: id, hosts } = await create();
    await issueUnder(hosts[0]);
    const moved = newHost();
    expect((await (await patch(id, { hosts: [moved] })).json()).hosts).toEqual([moved]);
    const count = async (host: string) =>
      (await (await under(host, ISSUED)).json()).issued_api_keys.length;
    expect(await count(moved)).toBe(1);
    expect(await count(hosts[0])).toBe(0);
    await create({ hosts: [hosts[0]] });
  });

  test('of the prefix leaves keys that are out usable', async () => {
    const { tenant_id: id, hosts } = await create({ api_key_prefix: 'old' });
    const { secret } = await (await issueUnder(hosts[0])).json();
    const updated = await (await patch(id, { api_key_prefix: 'new' })).json();
    expect(updated.retired_api_key_prefixes).toEqual(['old']);
    const verify = () =>
      under(hosts[0], '/v2alpha1/admin/apiKeys:verify', { body: { credential: secret } });
    expect((await (await verify()).json()).is_valid).toBe(true);
    expect((await (await issueUnder(hosts[0])).json()).secret).toMatch(/^new_v1_/);
    const dropped = await (await patch(id, { retired_api_key_prefixes: [] })).json();
    expect(dropped.effective.retired_api_key_prefixes).toEqual([]);
    expect((await (await verify()).json()).is_valid).toBe(false);
  });

  test.each<[string, [string | undefined, object, string], string]>([
    ['an unknown tenant', [UNKNOWN, { name: 'x' }, ''], '404 not_found'],
    ['no tenant id at all', ['x', { name: 'x' }, ''], '404 not_found'],
    ['the default tenant', [DEFAULT_TENANT_ID, { name: 'x' }, ''], '409 failed_precondition'],
    ['an unknown field', [undefined, { name: 'x' }, '?update_mask=nid'], '400 bad_request'],
    ['the id', [undefined, { tenant_id: UNKNOWN }, '?update_mask=tenant_id'], '400 bad_request'],
    ['everything', [undefined, { name: 'x' }, '?update_mask=*'], '400 bad_request'],
    ['no field', [undefined, { name: 'x' }, '?update_mask=,'], '400 bad_request'],
    ['the name, without one', [undefined, {}, '?update_mask=name'], '400 bad_request'],
    ['by two masks', [undefined, {}, '?update_mask=name&update_mask=hosts'], '400 bad_request'],
    ['to a rule broken', [undefined, { issuer: 'x' }, ''], '400 bad_request'],
    ['to a host of the deployment', [undefined, { hosts: ['127.0.0.1'] }, ''], '409 conflict'],
  ])('of %s is refused', async (_, [tenantId, body, query], outcome) => {
    const tenant = await create();
    const response = await patch(tenantId ?? tenant.tenant_id, body, query);
    expect(await outcomeOf(response)).toBe(outcome);
    expect(await (await admin(`${TENANTS}/${tenant.tenant_id}`)).json()).toEqual(tenant);
    expect(await eventsOf(tenant.tenant_id)).toHaveLength(1);
  });

  test('cannot take a host of another tenant', async () => {
    const [one, other] = [await create(), await create()];
    const response = await patch(one.tenant_id, { hosts: [...one.hosts, ...other.hosts] });
    expect(await outcomeOf(response)).toBe('409 conflict');
    expect(await (await admin(`${TENANTS}/${one.tenant_id}`)).json()).toEqual(one);
  });

  test('is not lost when several come at once', async () => {
    const { tenant_id: id } = await create();
    const answers = await Promise.all([
      patch(id, { issuer: 'https://n.example' }),
      patch(id, { audience: 'https://api.example' }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(await (await admin(`${TENANTS}/${id}`)).json()).toMatchObject({
      issuer: 'https://n.example',
      audience: 'https://api.example',
    });
    expect(await eventsOf(id)).toHaveLength(3);
  });
});

describe('deleting a tenant', () => {
  test('takes everything with it but its events, and says that its tokens are cut off', async () => {
    const { tenant_id: id, hosts } = await create();
    await publish();
    const key = await (await issueUnder(hosts[0])).json();
    await under(hosts[0], `${ISSUED}/${key.issued_api_key.key_id}:revoke`, { body: {} });
    const response = await remove(id);
    expect([response.status, response.headers.get('cardea-revocation')]).toEqual([
      ...[204, 'acknowledged'],
    ]);
    const tables = ['api_keys', 'signing_keys', 'tenants', 'tenant_hosts', 'idempotent_requests'];
    for (const table of tables) {
      const left = env.DB.prepare(`SELECT count(*) AS n FROM ${table} WHERE nid = ?`).bind(id);
      expect([table, (await left.first())?.n]).toEqual([table, 0]);
    }
    const { results } = await env.DB.prepare(
      `SELECT scope, bound_s, cause FROM revocations WHERE nid = ? AND scope = 'tenant'`,
    )
      .bind(id)
      .all();
    expect(results).toEqual([{ scope: 'tenant', bound_s: 0xffffffff, cause: 'tenant.delete' }]);
    expect((await eventsOf(id)).map(({ operation }) => operation)).toContain('tenant.delete');
    expect(await outcomeOf(await admin(`${TENANTS}/${id}`))).toBe('404 not_found');
    expect(await outcomeOf(await remove(id))).toBe('404 not_found');
  });

  test('with live keys is refused, and with force done', async () => {
    const { tenant_id: id, hosts } = await create();
    const { secret } = await (await issueUnder(hosts[0])).json();
    for (const query of ['', '?force=false']) {
      expect(await outcomeOf(await remove(id, query))).toBe('409 failed_precondition');
    }
    const verify = async (host: string) =>
      (
        await under(host, '/v2alpha1/admin/apiKeys:verify', { body: { credential: secret } })
      ).json();
    expect((await verify(hosts[0])).is_valid).toBe(true);
    expect(await eventsOf(id)).toHaveLength(2);
    expect((await remove(id, '?force=true')).status).toBe(204);
    expect((await verify(hosts[0])).is_valid).toBe(false);
  });

  test.each<[string, [string, string], string]>([
    ['the default tenant', [DEFAULT_TENANT_ID, '?force=true'], '409 failed_precondition'],
    ['an unknown one', [UNKNOWN, '?force=true'], '404 not_found'],
    ['with force that is neither', [UNKNOWN, '?force=yes'], '400 bad_request'],
    ['with force twice', [UNKNOWN, '?force=true&force=true'], '400 bad_request'],
  ])('%s is refused', async (_, [tenantId, query], outcome) => {
    expect(await outcomeOf(await remove(tenantId, query))).toBe(outcome);
  });

  test('frees its hosts', async () => {
    const { tenant_id: id, hosts } = await create();
    await remove(id);
    expect((await create({ hosts })).hosts).toEqual(hosts);
  });
});

describe('the list', () => {
  test.each([1, 2, 3, 50])(
    'has the default tenant first, and each once, by pages of %d',
    async (size) => {
      const ids = [];
      for (let i = 0; i < 4; i++) ids.push((await create()).tenant_id);
      const seen: string[] = [];
      let token = '';
      do {
        const page = await admin(`${TENANTS}?page_size=${size}&page_token=${token}`);
        const { tenants, next_page_token: next } = await page.json();
        expect(tenants.length).toBeLessThanOrEqual(size);
        seen.push(...tenants.map((tenant: { tenant_id: string }) => tenant.tenant_id));
        token = next;
      } while (token !== '');
      expect(seen).toEqual([DEFAULT_TENANT_ID, ...ids.sort()]);
    },
  );

  test('shows the default tenant with the settings of the deployment', async () => {
    const { tenants } = await (await admin(TENANTS)).json();
    expect(tenants).toHaveLength(1);
    expect(tenants[0]).toEqual({
      tenant_id: DEFAULT_TENANT_ID,
      name: 'default',
      hosts: ['127.0.0.1'],
      effective: expect.objectContaining({ issuer: env.ISSUER, api_key_prefix: 'ck' }),
      is_default: true,
    });
    expect(await (await admin(`${TENANTS}/${DEFAULT_TENANT_ID}`)).json()).toEqual(tenants[0]);
  });

  test('takes no page token of another listing', async () => {
    for (let i = 0; i < 2; i++) await admin(ISSUED, { body: { name: 'k', actor_id: 'a' } });
    const { next_page_token: token } = await (await admin(`${ISSUED}?page_size=1`)).json();
    expect(await outcomeOf(await admin(`${TENANTS}?page_token=${token}`))).toBe('400 bad_request');
    await create();
    const own = (await (await admin(`${TENANTS}?page_size=1`)).json()).next_page_token;
    expect((await admin(`${TENANTS}?page_token=${own}`)).status).toBe(200);
    expect(await outcomeOf(await admin(`${ISSUED}?page_token=${own}`))).toBe('400 bad_request');
  });
});

describe('the host', () => {
  test('is that of the URL: no header names another', async () => {
    const { hosts } = await create({ issuer: 'https://acme.example' });
    const issuerUnder = async (host: string, headers = {}) =>
      (await (await under(host, '/.well-known/oauth-authorization-server', { headers })).json())
        .issuer;
    expect(await issuerUnder(hosts[0])).toBe('https://acme.example');
    expect(await issuerUnder(`${hosts[0].toUpperCase()}:8443`)).toBe('https://acme.example');
    expect(await issuerUnder(`${hosts[0]}.`)).toBe('https://acme.example');
    expect(await issuerUnder('127.0.0.1')).toBe(env.ISSUER);
    const forged = {
      Host: hosts[0],
      'X-Forwarded-Host': hosts[0],
      Forwarded: `host=${hosts[0]}`,
      'X-Host': hosts[0],
      'X-Original-Host': hosts[0],
    };
    expect(await issuerUnder('127.0.0.1', forged)).toBe(env.ISSUER);
    expect(await issuerUnder('unknown.example', forged)).toBe(env.ISSUER);
  });

  test('does not matter for what concerns the deployment', async () => {
    for (const path of ['/health/alive', '/version', '/openapi.json']) {
      const response = await anonymous(path);
      const elsewhere = await anonymous(path, { origin: 'https://nobody.example' });
      expect([path, elsewhere.status]).toEqual([path, response.status]);
    }
  });
});
