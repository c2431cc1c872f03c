/** Guarantee: admin credentials are shown once, end when they should, and nobody grants more than he has. */

import { env } from 'cloudflare:workers';
import { secretHashOf } from '@cardea/shared/credential/api-key';
import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import { describe, expect, test } from 'vitest';
import {
  bearer,
  CREDENTIALS,
  expire,
  type MadeCredential,
  makeAdmin,
  makeTenant,
  revoke,
  rotate,
} from '../../testing/administrators.ts';
import { admin, anonymous, ISSUED, issue, outcomeOf } from '../../testing/api.ts';
import { readAdminCredential } from '../admin-auth/admin-credential-text.ts';
import { readConfig } from '../config.workers.ts';
import { deriveMasterKeys } from '../master-keys.ts';
import { ADMIN_ROLES } from './admin-credential.ts';

const DAY_MILLISECONDS = 24 * 60 * 60 * 1000;

/** Whether somebody is let in: listing signing keys changes nothing, and three roles may. */
const statusOf = async ({ secret }: MadeCredential, path = '/v1/admin/signingKeys') => {
  const response = await anonymous(path, { headers: bearer(secret) });
  await response.body?.cancel();
  return response.status;
};
const create = (body: unknown, secret?: string) =>
  admin(CREDENTIALS, { body, headers: secret === undefined ? {} : bearer(secret) });
const post = (path: string, { secret }: MadeCredential, body: unknown = {}) =>
  outcomeOfCall(anonymous(`${CREDENTIALS}/${path}`, { body, headers: bearer(secret) }));
const outcomeOfCall = async (response: Promise<Response>) => outcomeOf(await response);
const rowOf = ({ credentialId }: MadeCredential) =>
  env.DB.prepare('SELECT * FROM admin_credentials WHERE credential_id = ?')
    .bind(credentialId)
    .first();
const eventsOf = async (targetId: string) => {
  const query = 'SELECT * FROM audit_events WHERE target_id = ? ORDER BY time_ms, operation';
  return (await env.DB.prepare(query).bind(targetId).all()).results;
};

describe('creating', () => {
  test('answers the credential once; the database has its hash alone', async () => {
    const before = Date.now();
    const response = await create({ name: 'CI', role: 'issuer' });
    const message = await response.json();
    const { admin_credential: credential, secret } = message;
    const path = `${CREDENTIALS}/${credential.credential_id}`;
    expect([response.status, response.headers.get('location')]).toEqual([201, path]);
    expect(credential).toEqual({
      credential_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      ...{ name: 'CI', role: 'issuer', status: 'active' },
      create_time: expect.stringMatching(/Z$/),
      expire_time: expect.stringMatching(/Z$/),
    });
    const lives = Date.parse(credential.expire_time) - Date.parse(credential.create_time);
    expect(lives).toBe(90 * DAY_MILLISECONDS);
    expect(Math.abs(Date.parse(credential.create_time) - before)).toBeLessThan(60_000);
    expect(secret).toMatch(/^cardea_admin_v1_[1-9A-Za-z]{60,66}_[1-9A-Za-z]{10,11}$/);
    const keys = await deriveMasterKeys(readConfig(env));
    const claimed = await readAdminCredential(secret, { keys });
    const row = await rowOf({ credentialId: credential.credential_id, secret });
    expect(row?.secret_hash).toBe(claimed?.secretHash);
    expect(claimed?.credentialId).toBe(credential.credential_id);
    expect(JSON.stringify(row)).not.toContain(secret.split('_')[3]);
    expect(await secretHashOf(new Uint8Array(32))).not.toBe(row?.secret_hash);
    const shown = await admin(path);
    expect(await shown.json()).toEqual(credential);
  });

  test('takes an end: a life in any notation, or an exact time', async () => {
    const expireTime = new Date(Date.now() + 3600_123).toISOString();
    const exact = await (
      await create({ name: 'n', role: 'owner', expire_time: expireTime })
    ).json();
    expect(exact.admin_credential.expire_time).toBe(expireTime.replace('.000Z', 'Z'));
    const hours = await (await create({ name: 'n', role: 'owner', ttl: '1h30m' })).json();
    const { create_time: from, expire_time: to } = hours.admin_credential;
    expect(Date.parse(to) - Date.parse(from)).toBe(5400_000);
    const camel = await create({ name: 'n', role: 'owner', expireTime: expireTime });
    expect(camel.status).toBe(201);
  });

  const ahead = (milliseconds: number) => new Date(Date.now() + milliseconds).toISOString();

  test.each([
    ['no name', { role: 'owner' }, 'name: is required'],
    ['an empty name', { name: '', role: 'owner' }, 'name: must have 1 to 255 characters'],
    [
      'a long name',
      { name: 'x'.repeat(256), role: 'owner' },
      'name: must have 1 to 255 characters',
    ],
    ['no role', { name: 'n' }, 'role: must be one of owner, operator, issuer, auditor'],
    ['an unknown role', { name: 'n', role: 'root' }, 'role: must be one of'],
    ['a role in capitals', { name: 'n', role: 'OWNER' }, 'role: must be one of'],
    ['two roles', { name: 'n', role: ['owner'] }, 'role: must be one of'],
    ['a role of the prototype', { name: 'n', role: 'constructor' }, 'role: must be one of'],
    ['no life', { name: 'n', role: 'owner', ttl: '0s' }, 'ttl: must lie ahead'],
    ['a negative life', { name: 'n', role: 'owner', ttl: '-1h' }, 'ttl: must lie ahead'],
    ['a life of words', { name: 'n', role: 'owner', ttl: 'forever' }, 'ttl: must be a duration'],
    ['a life too long', { name: 'n', role: 'owner', ttl: '366d' }, 'ttl: must lie within 365 days'],
    [
      'an end in the past',
      { name: 'n', role: 'owner', expire_time: '2020-01-01T00:00:00Z' },
      'expire_time: must lie ahead',
    ],
    [
      'an end too far',
      { name: 'n', role: 'owner', expire_time: ahead(366 * DAY_MILLISECONDS) },
      'expire_time: must lie within 365 days',
    ],
    [
      'an end without zone',
      { name: 'n', role: 'owner', expire_time: '2099-01-01T00:00:00' },
      'expire_time: must be a time like',
    ],
    [
      'two ends',
      { name: 'n', role: 'owner', ttl: '1h', expire_time: ahead(1000) },
      'ttl: and expire_time exclude each other',
    ],
    // A misspelt tenant must not make a credential that is good everywhere.
    ['a misspelt tenant', { name: 'n', role: 'owner', tenant: 'x' }, 'has a member besides'],
    ['a chosen id', { name: 'n', role: 'owner', credential_id: 'x' }, 'has a member besides'],
    ['a tenant that is empty', { name: 'n', role: 'owner', tenant_id: '' }, 'tenant_id: must have'],
  ])('refuses %s with 400 bad_request', async (_, body, rule) => {
    const response = await create(body);
    const { error } = await response.json();
    expect([response.status, error.details[0].reason]).toEqual([400, 'BAD_REQUEST']);
    expect(error.message).toContain(rule);
  });

  test('refuses a tenant that does not exist', async () => {
    const body = { name: 'n', role: 'owner', tenant_id: crypto.randomUUID() };
    expect(await outcomeOf(await create(body))).toBe('404 not_found');
  });

  test('an owner of a tenant makes credentials of that tenant alone', async () => {
    const [tenantId, other] = [await makeTenant(), await makeTenant()];
    const { secret } = await makeAdmin({ tenant_id: tenantId });
    const made = await create({ name: 'n', role: 'issuer' }, secret);
    expect((await made.json()).admin_credential.tenant_id).toBe(tenantId);
    const named = await create({ name: 'n', role: 'owner', tenant_id: tenantId }, secret);
    expect(named.status).toBe(201);
    for (const foreign of [other, DEFAULT_TENANT_ID, crypto.randomUUID()]) {
      const refused = await create({ name: 'n', role: 'auditor', tenant_id: foreign }, secret);
      expect(await outcomeOf(refused)).toBe('403 forbidden');
    }
  });

  test('tells the audit log who made what, without the secret', async () => {
    const owner = await makeAdmin();
    const made = await makeAdmin({ role: 'issuer', ttl: '1h' }, bearer(owner.secret));
    const [event] = await eventsOf(made.credentialId);
    expect(event).toMatchObject({
      ...{ operation: 'admin_credential.create', nid: DEFAULT_TENANT_ID },
      ...{ caller_kind: 'admin_credential', caller_id: owner.credentialId, caller_role: 'owner' },
    });
    expect(JSON.parse(String(event?.changes))).toEqual({
      ...{ name: { after: 'tester' }, role: { after: 'issuer' }, ttl: { after: '3600s' } },
    });
    const row = await rowOf(made);
    const text = JSON.stringify(event);
    for (const secret of [made.secret.split('_')[3], row?.secret_hash, owner.secret]) {
      expect(text).not.toContain(String(secret));
    }
  });
});

describe('reading', () => {
  test('lists page by page, to each whose reach it is', async () => {
    const [tenantId, other] = [await makeTenant(), await makeTenant()];
    const owner = await makeAdmin({ tenant_id: tenantId });
    const own = [owner.credentialId];
    for (let i = 0; i < 4; i++) own.push((await makeAdmin({ tenant_id: tenantId })).credentialId);
    const foreign = await makeAdmin({ tenant_id: other });
    const seen: string[] = [];
    let pageToken = '';
    do {
      const query = new URLSearchParams({ page_size: '2', page_token: pageToken });
      const response = await admin(`${CREDENTIALS}?${query}`, { headers: bearer(owner.secret) });
      const page = await response.json();
      expect(page.admin_credentials.length).toBeLessThanOrEqual(2);
      for (const { credential_id: id } of page.admin_credentials) seen.push(id);
      pageToken = page.next_page_token;
      if (seen.length === 2) {
        // The token is good for this reach alone.
        const elsewhere = await admin(`${CREDENTIALS}?page_token=${pageToken}`);
        expect(await outcomeOf(elsewhere)).toBe('400 bad_request');
      }
    } while (pageToken !== '');
    expect(seen).toEqual([...own].sort());
    const all = await (await admin(`${CREDENTIALS}?page_size=1000`)).json();
    const ids = all.admin_credentials.map(({ credential_id: id }: never) => id);
    expect(ids).toEqual(expect.arrayContaining([...own, foreign.credentialId]));
    expect(JSON.stringify(all)).not.toContain('secret');
  });

  test.each([
    'page_size=1001',
    'page_size=-1',
    'page_size=x',
    'page_token=x',
    'page_size=1&page_size=2',
  ])('refuses ?%s', async (query) => {
    expect(await outcomeOf(await admin(`${CREDENTIALS}?${query}`))).toBe('400 bad_request');
  });

  test('one tenant does not see that another has a credential', async () => {
    const owner = await makeAdmin({ tenant_id: await makeTenant() });
    const foreign = await makeAdmin({ tenant_id: await makeTenant() });
    const everywhere = await makeAdmin();
    for (const { credentialId } of [foreign, everywhere]) {
      const path = `${CREDENTIALS}/${credentialId}`;
      expect(await outcomeOf(await admin(path, { headers: bearer(owner.secret) }))).toBe(
        '404 not_found',
      );
      expect(await post(`${credentialId}:revoke`, owner)).toBe('404 not_found');
      expect(await post(`${credentialId}:rotate`, owner)).toBe('404 not_found');
      expect(await outcomeOf(await admin(path))).toBe('200');
    }
    expect([await statusOf(foreign), await statusOf(everywhere)]).toEqual([200, 200]);
  });

  test('tells the status by the database', async () => {
    const [over, ended, alive] = [await makeAdmin(), await makeAdmin(), await makeAdmin()];
    await expire(over);
    await revoke(ended);
    const statuses = [];
    for (const { credentialId } of [over, ended, alive]) {
      statuses.push((await (await admin(`${CREDENTIALS}/${credentialId}`)).json()).status);
    }
    expect(statuses).toEqual(['expired', 'revoked', 'active']);
  });
});

describe('rotating', () => {
  test.each(ADMIN_ROLES)('%s may rotate his own, and no other', async (role) => {
    const [own, other] = [await makeAdmin({ role }), await makeAdmin({ role: 'auditor' })];
    if (role !== 'owner') {
      expect(await post(`${other.credentialId}:rotate`, own)).toBe('403 forbidden');
      expect(await post(`${crypto.randomUUID()}:rotate`, own)).toBe('403 forbidden');
    }
    const response = await anonymous(`${CREDENTIALS}/${own.credentialId}:rotate`, {
      ...{ body: {}, headers: bearer(own.secret) },
    });
    const message = await response.json();
    expect(response.status).toBe(201);
    const { admin_credential: made, old_admin_credential: old } = message;
    expect(made).toMatchObject({ role, name: 'tester', status: 'active' });
    expect(made.expire_time).toBe(old.expire_time);
    expect(old).toMatchObject({ credential_id: own.credentialId, status: 'revoked' });
    const heir = { credentialId: made.credential_id, secret: message.secret };
    const path = '/v2alpha1/admin/issuedApiKeys';
    expect([await statusOf(own, path), await statusOf(heir, path)]).toEqual([401, 200]);
  });

  test('an overlap keeps the old one alive for that long', async () => {
    const old = await makeAdmin();
    const heir = await rotate(old, { overlap: '1h' });
    expect([await statusOf(old), await statusOf(heir)]).toEqual([200, 200]);
    const shown = await (await admin(`${CREDENTIALS}/${old.credentialId}`)).json();
    expect(shown.status).toBe('active');
    expect(Date.parse(shown.revoke_time)).toBeGreaterThan(Date.now() + 3500_000);
    expect(await post(`${old.credentialId}:rotate`, heir)).toBe('409 failed_precondition');
    await env.DB.prepare('UPDATE admin_credentials SET revoke_time_ms = ? WHERE credential_id = ?')
      .bind(Date.now() - 1, old.credentialId)
      .run();
    expect([await statusOf(old), await statusOf(heir)]).toEqual([401, 200]);
  });

  test('an overlap can be cut short', async () => {
    const old = await makeAdmin();
    const heir = await rotate(old, { overlap: '1h' });
    await revoke(old);
    expect([await statusOf(old), await statusOf(heir)]).toEqual([401, 200]);
  });

  test.each(['-1s', '604801s', 'soon', 5, ['1h']])('refuses an overlap of %j', async (overlap) => {
    const own = await makeAdmin();
    expect(await post(`${own.credentialId}:rotate`, own, { overlap })).toBe('400 bad_request');
    expect(await statusOf(own)).toBe(200);
  });

  test('at the same moment: one of eight, and one event', async () => {
    const old = await makeAdmin();
    const path = `${CREDENTIALS}/${old.credentialId}:rotate`;
    const calls = Array.from({ length: 8 }, () => outcomeOfCall(admin(path, { body: {} })));
    const outcomes = (await Promise.all(calls)).sort();
    expect(outcomes).toEqual(['201', ...Array(7).fill('409 failed_precondition')]);
    const events = await eventsOf(old.credentialId);
    expect(events.map(({ operation }) => operation)).toEqual([
      ...['admin_credential.create', 'admin_credential.rotate'],
    ]);
  });

  test('only what is active: not what is revoked, not what is expired', async () => {
    const [ended, over] = [await makeAdmin(), await makeAdmin()];
    await revoke(ended);
    await expire(over);
    for (const { credentialId } of [ended, over]) {
      const refused = await admin(`${CREDENTIALS}/${credentialId}:rotate`, { body: {} });
      expect(await outcomeOf(refused)).toBe('409 failed_precondition');
    }
  });
});

describe('revoking', () => {
  test('holds from the next request on, and is told once', async () => {
    const ended = await makeAdmin();
    expect(await statusOf(ended)).toBe(200);
    await revoke(ended);
    expect(await statusOf(ended)).toBe(401);
    const again = await admin(`${CREDENTIALS}/${ended.credentialId}:revoke`, { body: {} });
    expect(await outcomeOf(again)).toBe('409 conflict');
    const events = await eventsOf(ended.credentialId);
    expect(events.map(({ operation }) => operation)).toEqual([
      ...['admin_credential.create', 'admin_credential.revoke'],
    ]);
  });

  test.each(ADMIN_ROLES)('%s may revoke his own, and no other but as an owner', async (role) => {
    const [own, other] = [await makeAdmin({ role }), await makeAdmin()];
    const expected = role === 'owner' ? '204' : '403 forbidden';
    expect(await post(`${other.credentialId}:revoke`, own)).toBe(expected);
    expect(await statusOf(other)).toBe(role === 'owner' ? 401 : 200);
    expect(await post(`${own.credentialId}:revoke`, own)).toBe('204');
    expect(await statusOf(own)).toBe(401);
  });
});

describe('a credential of a tenant', () => {
  test('acts on that tenant, from the host of the default tenant', async () => {
    const tenantId = await makeTenant();
    const { secret } = await makeAdmin({ tenant_id: tenantId, role: 'issuer' });
    const body = { name: 'key', actor_id: 'alice' };
    const issued = await (await anonymous(ISSUED, { body, headers: bearer(secret) })).json();
    const keyId = issued.issued_api_key.key_id;
    const row = await env.DB.prepare('SELECT nid FROM api_keys WHERE key_id = ?').bind(keyId);
    expect((await row.first())?.nid).toBe(tenantId);
    const path = `${ISSUED}/${keyId}`;
    expect(await outcomeOf(await admin(path))).toBe('404 api_key_not_found');
    const named = { 'Cardea-Tenant': tenantId };
    expect(await outcomeOf(await admin(path, { headers: named }))).toBe('200');
    const { issued_api_key: foreign } = await issue();
    const seen = await anonymous(`${ISSUED}/${foreign.key_id}`, { headers: bearer(secret) });
    expect(await outcomeOf(seen)).toBe('404 api_key_not_found');
  });

  test('is refused once its tenant is deleted', async () => {
    const tenantId = await makeTenant();
    const bound = await makeAdmin({ tenant_id: tenantId });
    expect(await statusOf(bound)).toBe(200);
    const path = `/v1/admin/tenants/${tenantId}?force=true`;
    const deleted = await admin(path, { method: 'DELETE' });
    expect([202, 204]).toContain(deleted.status);
    expect(await statusOf(bound)).toBe(401);
  });
});

test('an admin credential is no API key, and an API key no admin credential', async () => {
  const { secret } = await makeAdmin();
  const body = { credential: secret };
  const verified = await (await admin('/v2alpha1/admin/apiKeys:verify', { body })).json();
  expect(verified).toMatchObject({
    ...{ is_valid: false, error_code: 'VERIFICATION_ERROR_NOT_FOUND' },
  });
  const derived = await admin('/v2alpha1/admin/apiKeys:derive', { body });
  expect(derived.status).toBeGreaterThanOrEqual(400);
  await derived.body?.cancel();
  const issued = await issue();
  const refused = await anonymous(ISSUED, { headers: bearer(issued.secret) });
  expect(await outcomeOf(refused)).toBe('401 unauthorized');
});
