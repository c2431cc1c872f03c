/** PATCH of both kinds of key over HTTP: what a mask names changes, and nothing else ever does. */

import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, test } from 'vitest';
import { admin, IMPORTED, ISSUED, importKey, issue, outcomeOf } from '../../testing/api.ts';
import { publish } from '../../testing/hub.ts';

// Tokens are signed once the first signing key has been published.
beforeAll(publish);

type Json = Record<string, unknown>;

const FULL = {
  name: 'key',
  actor_id: 'alice',
  scopes: ['read', 'write'],
  metadata: { a: 1 },
  rate_limit_policy: { quota: '5', window: '60s' },
  ip_restriction: { allowed_cidrs: ['0.0.0.0/0'] },
};

const KINDS = [
  {
    kind: 'issued',
    path: ISSUED,
    wrapper: 'issued_api_key',
    make: async (request: Json = FULL): Promise<Json> => (await issue(request)).issued_api_key,
  },
  {
    kind: 'imported',
    path: IMPORTED,
    wrapper: 'imported_api_key',
    make: async (request: Json = FULL): Promise<Json> => importKey(request),
  },
] as const;

const patch = (path: string, body: unknown) => admin(path, { method: 'PATCH', body });
const masked = (mask: string) => `?update_mask=${encodeURIComponent(mask)}`;

/** What of a key a PATCH may change. */
function changeable(key: Json): Json {
  const { name, scopes, metadata, rate_limit_policy, ip_restriction } = key;
  return { name, scopes, metadata, rate_limit_policy, ip_restriction };
}

const LIMIT = { quota: '5', window: '60s', unit: 'requests' };
const BEFORE = changeable({ ...FULL, rate_limit_policy: LIMIT });

describe.each(KINDS)('an $kind key', ({ make, path, wrapper }) => {
  /** The key after the PATCH, as the answer and as a later GET show it. */
  async function updated(query: string, body: unknown): Promise<Json> {
    const place = `${path}/${(await make()).key_id}`;
    const response = await patch(`${place}${query}`, body);
    expect(await outcomeOf(response.clone())).toBe('200');
    const key = await response.json();
    expect(await (await admin(place)).json()).toEqual(key);
    return key;
  }

  test.each<[string, string, Json, Json]>([
    ['one field', 'name', { name: 'n' }, { name: 'n' }],
    ['only what it names', 'name', { name: 'n', scopes: ['x'] }, { name: 'n' }],
    ['two fields', 'name,scopes', { name: 'n', scopes: [] }, { name: 'n', scopes: [] }],
    ['a field twice', 'name,name', { name: 'n' }, { name: 'n' }],
    ['with white space', ' name , scopes ', { name: 'n', scopes: [] }, { name: 'n', scopes: [] }],
    ['an empty name', 'name', { name: '' }, { name: '' }],
    ['a name that is not there', 'name', {}, { name: '' }],
    ['scopes that are not there', 'scopes', {}, { scopes: [] }],
    ['scopes that are null', 'scopes', { scopes: null }, { scopes: [] }],
    ['metadata', 'metadata', { metadata: { b: 2 } }, { metadata: { b: 2 } }],
    ['empty metadata', 'metadata', { metadata: {} }, { metadata: {} }],
    ['metadata that are not there', 'metadata', {}, { metadata: null }],
    ['a part of the metadata', 'metadata.b', { metadata: { b: 2 } }, { metadata: { b: 2 } }],
    [
      'a limit in camel case',
      'rateLimitPolicy',
      { rateLimitPolicy: { quota: 7, window: '1s' } },
      { rate_limit_policy: { quota: '7', window: '1s', unit: 'requests' } },
    ],
    [
      'half a limit',
      'rate_limit_policy.quota',
      { rate_limit_policy: { quota: 7 } },
      NONE('rate_limit_policy'),
    ],
    ['no limit', 'rate_limit_policy', { rate_limit_policy: null }, NONE('rate_limit_policy')],
    ['no limit at all', 'rate_limit_policy', {}, NONE('rate_limit_policy')],
    [
      'ranges by a path into them',
      'ip_restriction.allowed_cidrs',
      { ip_restriction: { allowed_cidrs: ['10.0.0.0/8'] } },
      { ip_restriction: { allowed_cidrs: ['10.0.0.0/8'] } },
    ],
    [
      'ranges in camel case',
      'ipRestriction.allowedCidrs',
      { ipRestriction: { allowedCidrs: ['10.0.0.0/8'] } },
      { ip_restriction: { allowed_cidrs: ['10.0.0.0/8'] } },
    ],
    [
      'no ranges',
      'ip_restriction',
      { ip_restriction: { allowed_cidrs: [] } },
      NONE('ip_restriction'),
    ],
    [
      'what it does not name, be it unchangeable',
      'name',
      { name: 'n', status: 5, key_id: 'x' },
      { name: 'n' },
    ],
  ])('by a mask: %s', async (_, ...[mask, body, expected]) => {
    expect(changeable(await updated(masked(mask), body))).toEqual({ ...BEFORE, ...expected });
    // The same in the form of Talos's documentation.
    const wrapped = { [wrapper]: body };
    expect(changeable(await updated(masked(mask), wrapped))).toEqual({ ...BEFORE, ...expected });
    const inside = { ...wrapped, update_mask: mask };
    expect(changeable(await updated('', inside))).toEqual({ ...BEFORE, ...expected });
  });

  test.each([
    ['one member', { name: 'n' }, { name: 'n' }],
    ['an empty list', { scopes: [] }, { scopes: [] }],
    ['null', { metadata: null }, { metadata: null }],
    ['null for a message', { rate_limit_policy: null }, NONE('rate_limit_policy')],
    ['camel case', { ipRestriction: null }, NONE('ip_restriction')],
    [
      'several members',
      { name: 'n', scopes: ['x'], metadata: {} },
      { name: 'n', scopes: ['x'], metadata: {} },
    ],
  ])('without a mask, by the members that are there: %s', async (_, body, expected) => {
    expect(changeable(await updated('', body))).toEqual({ ...BEFORE, ...expected });
    expect(changeable(await updated('?update_mask=', { [wrapper]: body }))).toEqual({
      ...BEFORE,
      ...expected,
    });
  });

  test.each([
    ['an unknown path', masked('nme'), { name: 'n' }],
    ['a path that cannot be changed', masked('name,actor_id'), { name: 'n', actor_id: 'bob' }],
    ['the expiry', masked('expire_time'), { expire_time: '2030-01-01T00:00:00Z' }],
    ['the visibility', masked('visibility'), { visibility: 'KEY_VISIBILITY_PUBLIC' }],
    ['the status', masked('status'), { status: 'KEY_STATUS_ACTIVE' }],
    ['the id', masked('key_id'), { key_id: 'x' }],
    ['everything', masked('*'), { name: 'n' }],
    ['an empty path', masked('name,'), { name: 'n' }],
    ['an empty part', masked('metadata.'), { metadata: {} }],
    ['another case', masked('Name'), { name: 'n' }],
    ['the wrapper as a path', masked(`${wrapper}.name`), { name: 'n' }],
    ['a name of Object.prototype', masked('constructor'), {}],
    ['a mask that is given twice', `${masked('name')}&update_mask=scopes`, { name: 'n' }],
    ['a mask that is too long', masked(Array(300).fill('name').join()), { name: 'n' }],
    ['a wish that is neither true nor false', '?revoke_derived=yes', { name: 'n' }],
    ['no member', '', {}],
    ['no member in the wrapper', '', { [wrapper]: {} }],
    ['an unknown member', '', { name: 'n', nme: 'n' }],
    ['a member that cannot be changed', '', { name: 'n', actor_id: 'bob' }],
    ['an id in the body', '', { name: 'n', key_id: 'x' }],
    ['a wrapper and more', '', { [wrapper]: { name: 'n' }, scopes: [] }],
    ['a wrapper and more under a mask', masked('name'), { [wrapper]: { name: 'n' }, scopes: [] }],
    ['two masks', masked('name'), { [wrapper]: { name: 'n' }, update_mask: 'scopes' }],
    ['a mask that is no text', '', { [wrapper]: { name: 'n' }, update_mask: ['name'] }],
    ['a wrapper that is null', masked('name'), { [wrapper]: null }],
    ['a wrapper that is a list', masked('name'), { [wrapper]: [] }],
    ['256 characters of name', masked('name'), { name: 'x'.repeat(256) }],
    ['a name that is a number', masked('name'), { name: 5 }],
    ['101 scopes', masked('scopes'), { scopes: Array(101).fill('s') }],
    ['an empty scope', '', { scopes: [''] }],
    ['a scope alone', '', { scopes: 'read' }],
    ['metadata that are a list', '', { metadata: [] }],
    ['4097 bytes of metadata', '', { metadata: { a: 'x'.repeat(4090) } }],
    ['a quota of 0', '', { rate_limit_policy: { quota: 0, window: '1s' } }],
    ['a window in hours', '', { rate_limit_policy: { quota: 1, window: '1h' } }],
    ['no range', '', { ip_restriction: { allowed_cidrs: ['10.0.0.0/33'] } }],
    ['a list', '', []],
    ['no JSON', '', '{'],
  ])('is not changed with %s', async (_, query, body) => {
    const key = await make();
    const place = `${path}/${key.key_id}`;
    expect(await outcomeOf(await patch(`${place}${query}`, body))).toBe('400 bad_request');
    expect(await (await admin(place)).json()).toEqual(key);
  });

  test('of any status is changed, and keeps it', async () => {
    const { key_id: keyId } = await make();
    const expire = 'UPDATE api_keys SET expire_time_ms = 1 WHERE key_id = ?';
    await env.DB.prepare(expire).bind(keyId).run();
    const rename = async (name: string) => (await patch(`${path}/${keyId}`, { name })).json();
    expect(await rename('a')).toMatchObject({ name: 'a', status: 'KEY_STATUS_EXPIRED' });
    await admin(`${path}/${keyId}:revoke`, { body: {} });
    expect(await rename('b')).toMatchObject({ name: 'b', status: 'KEY_STATUS_REVOKED' });
  });

  test('shows when it was changed, and never changes otherwise', async () => {
    const key = await make();
    await new Promise((resolve) => setTimeout(resolve, 5));
    const after = await (await patch(`${path}/${key.key_id}`, { name: 'n' })).json();
    expect(Date.parse(after.update_time)).toBeGreaterThan(Date.parse(String(key.update_time)));
    expect({ ...after, name: 'key', update_time: key.update_time }).toEqual(key);
  });
});

/** The field is not shown. */
function NONE(field: string): Json {
  return { [field]: undefined };
}

describe('what is derived from a key that is narrowed', () => {
  const DERIVE = '/v2alpha1/admin/apiKeys:derive';
  const derive = async (credential: string): Promise<string> => {
    const response = await admin(DERIVE, { body: { credential } });
    return (await response.json()).token.token;
  };
  const verify = async (credential: string): Promise<Json> =>
    (await admin('/v2alpha1/admin/apiKeys:verify', { body: { credential } })).json();

  test('goes on with its old scopes, unless it is to be revoked', async () => {
    const { issued_api_key: key, secret } = await issue({ scopes: ['read', 'write'] });
    const place = `${ISSUED}/${key.key_id}`;
    const token = await derive(secret);
    const kept = await patch(place, { scopes: ['read'] });
    expect(kept.headers.has('cardea-revocation')).toBe(false);
    expect(await verify(token)).toMatchObject({ is_valid: true, scopes: ['read', 'write'] });
    const cut = await patch(`${place}?revoke_derived=true`, { scopes: [] });
    expect(cut.headers.get('cardea-revocation')).toMatch(/^(acknowledged|accepted)$/);
    expect(await verify(token)).toMatchObject({ error_code: 'VERIFICATION_ERROR_REVOKED' });
    expect(await verify(secret)).toMatchObject({ is_valid: true, scopes: [] });
    expect(await verify(await derive(secret))).toMatchObject({ is_valid: true, scopes: [] });
  });

  test('false is no wish', async () => {
    const { issued_api_key: key } = await issue();
    const answer = await patch(`${ISSUED}/${key.key_id}?revoke_derived=false`, { name: 'n' });
    expect(await outcomeOf(answer)).toBe('200');
    expect(answer.headers.has('cardea-revocation')).toBe(false);
  });
});

test('new ranges count at once', async () => {
  const { issued_api_key: key, secret } = await issue();
  const verify = async () => {
    const headers = { 'CF-Connecting-IP': '192.0.2.1' };
    const call = { body: { credential: secret }, headers };
    return (await admin('/v2alpha1/admin/apiKeys:verify', call)).json();
  };
  expect(await verify()).toMatchObject({ is_valid: true });
  const place = `${ISSUED}/${key.key_id}`;
  await patch(place, { ip_restriction: { allowed_cidrs: ['10.0.0.0/8'] } });
  expect(await verify()).toMatchObject({ error_code: 'VERIFICATION_ERROR_IP_NOT_ALLOWED' });
  await patch(place, { ip_restriction: null });
  expect(await verify()).toMatchObject({ is_valid: true });
});
