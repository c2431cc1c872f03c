/** Guarantee: every mutation of a key writes exactly one event that says who changed what, and no secret. */

import { env } from 'cloudflare:workers';
import { beforeEach, expect, test } from 'vitest';
import { admin, anonymous, IMPORTED, ISSUED, importKey, issue } from '../../testing/api.ts';

type Json = Record<string, unknown>;

interface Event {
  readonly operation: string;
  readonly target_id: string;
  readonly caller_kind: string;
  readonly caller_id: string;
  readonly caller_role: string | null;
  readonly request_id: string;
  readonly client_address: string | null;
  readonly changes: Json;
}

beforeEach(async () => {
  await env.DB.exec('DELETE FROM audit_events');
});

async function events(): Promise<Event[]> {
  const sql = 'SELECT * FROM audit_events ORDER BY time_ms, rowid';
  const { results } = await env.DB.prepare(sql).all<Event & { changes: string }>();
  return results.map((row) => ({ ...row, changes: JSON.parse(row.changes) }));
}

/** The one event that the call wrote. */
async function eventOf(call: () => Promise<unknown>): Promise<Event> {
  await env.DB.exec('DELETE FROM audit_events');
  await call();
  const [event, ...others] = await events();
  if (event === undefined || others.length > 0) throw new Error('Not exactly one event.');
  return event;
}

const FULL = {
  name: 'key',
  actor_id: 'alice',
  scopes: ['read'],
  ttl: '1h',
  metadata: { a: 1 },
  rate_limit_policy: { quota: 5, window: '60s' },
  ip_restriction: { allowed_cidrs: ['10.0.0.0/8'] },
};

const AFTER = {
  name: { after: 'key' },
  actor_id: { after: 'alice' },
  scopes: { after: ['read'] },
  metadata: { after: { a: 1 } },
  rate_limit_policy: { after: { quota: '5', windowSeconds: 60 } },
  ip_restriction: { after: ['10.0.0.0/8'] },
  visibility: { after: 'secret' },
  ttl: { after: '3600s' },
};

test('issue', async () => {
  let keyId = '';
  const event = await eventOf(async () => {
    keyId = (await issue(FULL)).issued_api_key.key_id;
  });
  expect(event).toMatchObject({ operation: 'api_key.issue', target_id: keyId, changes: AFTER });
  expect(Object.keys(event.changes).sort()).toEqual(Object.keys(AFTER).sort());
});

test('import', async () => {
  let keyId = '';
  const rawKey = `raw-${crypto.randomUUID()}`;
  const event = await eventOf(async () => {
    keyId = (await importKey({ ...FULL, raw_key: rawKey })).key_id;
  });
  expect(event).toMatchObject({ operation: 'api_key.import', target_id: keyId, changes: AFTER });
  expect(JSON.stringify(event)).not.toContain(rawKey);
});

test.each<[string, string, string, object, object]>([
  ['update', 'PATCH', '', { name: 'n' }, { name: { before: 'key', after: 'n' } }],
  [
    'update',
    'PATCH',
    '?revoke_derived=true',
    { metadata: null },
    { metadata: { before: { a: 1 } }, revoke_derived: { after: true } },
  ],
  ['update', 'PATCH', '', { name: 'key' }, {}],
  ['disable', 'POST', ':disable', {}, { status: { before: 'active', after: 'disabled' } }],
  [
    'revoke',
    'POST',
    ':revoke',
    { reason: 'REVOCATION_REASON_PRIVILEGE_WITHDRAWN', description: 'why' },
    {
      status: { before: 'active', after: 'revoked' },
      revocation_reason: { after: 'privilege_withdrawn' },
      revocation_description: { after: 'why' },
    },
  ],
])('%s of both kinds: %s %s with %j', async (operation, ...[method, rest, body, changes]) => {
  const issued = (await issue(FULL)).issued_api_key.key_id;
  const imported = (await importKey(FULL)).key_id;
  for (const [path, keyId] of [
    [ISSUED, issued],
    [IMPORTED, imported],
  ]) {
    const event = await eventOf(() => admin(`${path}/${keyId}${rest}`, { method, body }));
    expect(event).toMatchObject({ operation: `api_key.${operation}`, target_id: keyId });
    expect(event.changes).toEqual(changes);
  }
});

test('enable', async () => {
  const { issued_api_key: key } = await issue();
  await admin(`${ISSUED}/${key.key_id}:disable`, { body: {} });
  const event = await eventOf(() => admin(`${ISSUED}/${key.key_id}:enable`, { body: {} }));
  expect(event).toMatchObject({
    operation: 'api_key.enable',
    changes: { status: { before: 'disabled', after: 'active' } },
  });
});

test('rotate', async () => {
  const { issued_api_key: key } = await issue(FULL);
  let newId = '';
  const event = await eventOf(async () => {
    const body = { scopes: [], overlap: '1m' };
    const rotated = await admin(`${ISSUED}/${key.key_id}:rotate`, { body });
    newId = (await rotated.json()).issued_api_key.key_id;
  });
  expect(event).toMatchObject({ operation: 'api_key.rotate', target_id: key.key_id });
  expect(event.changes).toEqual({
    key_id: { before: key.key_id, after: newId },
    scopes: { before: ['read'], after: [] },
    overlap: { after: '60s' },
  });
});

test('delete', async () => {
  const { key_id: keyId } = await importKey({ name: 'gone' });
  const event = await eventOf(() => admin(`${IMPORTED}/${keyId}`, { method: 'DELETE' }));
  expect(event).toMatchObject({ operation: 'api_key.delete', target_id: keyId });
  expect(event.changes).toMatchObject({ name: { before: 'gone' }, actor_id: { before: 'alice' } });
});

test('self-revoke names the key itself as caller', async () => {
  const { issued_api_key: key, secret } = await issue();
  const event = await eventOf(() =>
    anonymous('/v2alpha1/apiKeys:selfRevoke', { body: { credential: secret } }),
  );
  expect(event).toMatchObject({
    ...{ operation: 'api_key.self_revoke', target_id: key.key_id },
    ...{ caller_kind: 'key_holder', caller_id: key.key_id, caller_role: null },
  });
});

test('says who, from where and under which request', async () => {
  const { key_id: keyId } = await importKey();
  const headers = { 'X-Request-ID': 'the-request', 'CF-Connecting-IP': '192.0.2.7' };
  const event = await eventOf(() =>
    admin(`${IMPORTED}/${keyId}`, { method: 'PATCH', body: { name: 'n' }, headers }),
  );
  expect(event).toMatchObject({
    ...{ caller_kind: 'bootstrap', caller_id: '', caller_role: 'owner' },
    ...{ request_id: 'the-request', client_address: '192.0.2.7' },
  });
});

test.each([
  ['GET', '', undefined],
  ['PATCH', '', {}],
  ['PATCH', '?update_mask=actor_id', { actor_id: 'bob' }],
  ['POST', ':enable', {}],
  ['POST', ':revoke', { description: 'without its reason' }],
  ['POST', ':rotate', { overlap: '1000h' }],
])('nothing is written of what changes nothing: %s %s', async (method, rest, body) => {
  const { issued_api_key: key } = await issue();
  await env.DB.exec('DELETE FROM audit_events');
  const call = body === undefined ? { method } : { method, body };
  await admin(`${ISSUED}/${key.key_id}${rest}`, call);
  expect(await events()).toEqual([]);
});
