/** Guarantee: an edge's secret is shown once and stored nowhere; whoever may not, registers nothing. */

import { env } from 'cloudflare:workers';
import { decodeBase64url } from '@cardea/shared/bytes/base64url';
import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import { describe, expect, test } from 'vitest';
import { bearer, makeAdmin, makeTenant } from '../../testing/administrators.ts';
import { admin, anonymous, outcomeOf } from '../../testing/api.ts';
import { EDGE_AUDIENCES_MAX, EDGE_PAIRS_MAX, EDGE_TENANTS_MAX } from '../limits.ts';

const EDGES = '/v1/admin/edges';

let serial = 0;
const newEdge = (change: Record<string, unknown> = {}) => ({
  name: `edge-${++serial}`,
  tenants: [DEFAULT_TENANT_ID],
  audiences: ['https://api.example'],
  ...change,
});
const create = (change: Record<string, unknown> = {}) => admin(EDGES, { body: newEdge(change) });
const post = (path: string, body: unknown = {}) => admin(`${EDGES}/${path}`, { body });

async function created(change: Record<string, unknown> = {}) {
  const response = await create(change);
  if (response.status !== 201) throw new Error(await outcomeOf(response));
  return response.json();
}

describe('registering', () => {
  test('answers the edge and its secret, this once', async () => {
    const tenants = [DEFAULT_TENANT_ID, await makeTenant()];
    const audiences = ['https://api.example', 'urn:x'];
    const response = await create({ name: 'fra-1', tenants, audiences });
    const { edge, secret } = await response.json();
    const path = `${EDGES}/${edge.edge_id}`;
    expect([response.status, response.headers.get('location')]).toEqual([201, path]);
    expect(edge).toEqual({
      edge_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      ...{ name: 'fra-1', tenants, audiences, status: 'active', generation: 1 },
      create_time: edge.update_time,
      update_time: expect.stringMatching(/Z$/),
    });
    expect(decodeBase64url(secret)).toHaveLength(32);
    const { keys, ...shown } = await (await admin(path)).json();
    expect(shown).toEqual(edge);
    for (const key of keys) expect(Object.keys(key)).not.toContain('root_key');
    expect((await (await admin(EDGES)).json()).edges).toContainEqual(edge);
    for (const table of ['edges', 'stored_secrets', 'audit_events']) {
      const { results } = await env.DB.prepare(`SELECT * FROM ${table}`).all();
      expect(results.length).toBeGreaterThan(0);
      expect(JSON.stringify(results)).not.toContain(secret);
    }
  });

  test('gives every edge another secret', async () => {
    const secrets = [(await created()).secret, (await created()).secret];
    expect(new Set(secrets).size).toBe(2);
  });

  const texts = (count: number) => Array.from({ length: count }, (_, place) => `a${place}`);

  test.each([
    ['no name', { name: undefined }, 'name: is required'],
    ['a name with a space', { name: 'a b' }, 'name: must be 1 to 64 of'],
    ['a long name', { name: 'x'.repeat(65) }, 'name: must be 1 to 64 of'],
    ['no tenants', { tenants: undefined }, 'tenants: must be a list of 1 to'],
    ['an empty list of tenants', { tenants: [] }, 'tenants: must be a list of 1 to'],
    ['every tenant', { tenants: ['*'] }, 'tenants: each must be the id of a tenant'],
    [
      'a tenant twice',
      { tenants: [DEFAULT_TENANT_ID, DEFAULT_TENANT_ID] },
      'tenants: must be a list of 1 to',
    ],
    ['too many tenants', { tenants: texts(EDGE_TENANTS_MAX + 1) }, 'tenants: must be a list of'],
    ['a text for a list', { audiences: 'https://api.example' }, 'audiences: must be a list of'],
    ['no audiences', { audiences: [] }, 'audiences: must be a list of 1 to'],
    ['an empty audience', { audiences: [''] }, 'audiences: each must have 1 to'],
    ['an audience with a space', { audiences: ['a b'] }, 'audiences: each must have 1 to'],
    ['too many audiences', { audiences: texts(EDGE_AUDIENCES_MAX + 1) }, 'audiences: must be a'],
    ['a chosen id', { edge_id: 'x' }, 'has a member besides'],
    ['a chosen secret', { secret: 'x' }, 'has a member besides'],
  ])('refuses %s with 400 bad_request', async (_, change, rule) => {
    const response = await create(change);
    const { error } = await response.json();
    expect([response.status, error.details[0].reason]).toEqual([400, 'BAD_REQUEST']);
    expect(error.message).toContain(rule);
  });

  test('refuses a tenant that does not exist, a name that was used, and one edge too many', async () => {
    const unknown = await create({ tenants: [crypto.randomUUID()] });
    expect(await outcomeOf(unknown)).toBe('404 not_found');
    const { edge } = await created({ name: 'taken' });
    expect(await outcomeOf(await create({ name: 'taken' }))).toBe('409 conflict');
    await post(`${edge.edge_id}:revoke`);
    expect(await outcomeOf(await create({ name: 'taken' }))).toBe('409 conflict');
    const list = JSON.stringify(Array.from({ length: EDGE_PAIRS_MAX }, () => 't'));
    await env.DB.prepare(
      `INSERT INTO edges (edge_id, name, tenants, audiences, create_time_ms, update_time_ms)
       VALUES ('full', 'full', ?, '["a"]', 1, 1)`,
    )
      .bind(list)
      .run();
    expect(await outcomeOf(await create())).toBe('409 failed_precondition');
    await env.DB.exec("DELETE FROM edges WHERE edge_id = 'full'");
    expect(await outcomeOf(await create())).toBe('201');
  });

  test('is for owners and operators of the whole deployment', async () => {
    for (const role of ['owner', 'operator', 'issuer', 'auditor'] as const) {
      const { secret } = await makeAdmin({ role });
      const response = await anonymous(EDGES, { body: newEdge(), headers: bearer(secret) });
      const isAllowed = role === 'owner' || role === 'operator';
      expect([role, await outcomeOf(response)]).toEqual([
        role,
        isAllowed ? '201' : '403 forbidden',
      ]);
    }
    const tenantId = await makeTenant();
    const { secret } = await makeAdmin({ role: 'owner', tenant_id: tenantId });
    for (const method of ['GET', 'POST']) {
      const body = method === 'GET' ? undefined : newEdge({ tenants: [tenantId] });
      const refused = await anonymous(EDGES, { method, body, headers: bearer(secret) });
      expect(await outcomeOf(refused)).toBe('403 forbidden');
    }
  });
});

describe('rotating', () => {
  test('answers another secret, and the one before overlaps for as long as asked', async () => {
    const { edge, secret } = await created();
    const response = await post(`${edge.edge_id}:rotate`, { overlap: '1h' });
    const rotated = await response.json();
    expect(response.status).toBe(201);
    expect(rotated.edge).toMatchObject({ ...edge, generation: 2, update_time: expect.anything() });
    expect(Date.parse(rotated.edge.overlap_end_time)).toBeGreaterThan(Date.now() + 3500_000);
    expect(rotated.secret).not.toBe(secret);
    const again = await post(`${edge.edge_id}:rotate`);
    expect(await outcomeOf(again)).toBe('409 failed_precondition');
  });

  test('without an overlap may be done again at once', async () => {
    const { edge } = await created();
    expect((await post(`${edge.edge_id}:rotate`)).status).toBe(201);
    const again = await (await post(`${edge.edge_id}:rotate`)).json();
    expect(again.edge.generation).toBe(3);
  });

  test.each(['-1s', '604801s', 'soon', 5])('refuses an overlap of %j', async (overlap) => {
    const { edge } = await created();
    expect(await outcomeOf(await post(`${edge.edge_id}:rotate`, { overlap }))).toBe(
      '400 bad_request',
    );
  });
});

test('revoking ends an edge once, and it gets no other secret', async () => {
  const { edge } = await created();
  expect(await outcomeOf(await post(`${edge.edge_id}:revoke`))).toBe('204');
  const shown = await (await admin(`${EDGES}/${edge.edge_id}`)).json();
  expect(shown).toMatchObject({ status: 'revoked', revoke_time: expect.stringMatching(/Z$/) });
  expect(await outcomeOf(await post(`${edge.edge_id}:revoke`))).toBe('409 conflict');
  expect(await outcomeOf(await post(`${edge.edge_id}:rotate`))).toBe('409 failed_precondition');
});
