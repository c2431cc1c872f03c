import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, test } from 'vitest';
import { admin, anonymous, ISSUED, issue, outcomeOf } from '../../testing/api.ts';

const VERIFY = '/v2alpha1/admin/apiKeys:verify';
const SELF_REVOKE = '/v2alpha1/apiKeys:selfRevoke';
const ANNOUNCED = /^(acknowledged|accepted)$/;
const part = (value: object) => btoa(JSON.stringify(value)).replace(/=+$/, '');
/** Shaped like a token; nothing in it is genuine. */
const jwt = (header: object) => `${part(header)}.${part({ sub: 'x' })}.${'A'.repeat(86)}`;
const FORGED_JWT = jwt({ alg: 'EdDSA', typ: 'JWT', kid: 'none-of-ours' });

type Json = Record<string, unknown>;

const verify = async (credential: string, headers: Record<string, string> = {}): Promise<Json> =>
  (await admin(VERIFY, { body: { credential }, headers })).json();
const act = (verb: string, keyId: string, body: unknown = {}) =>
  admin(`${ISSUED}/${keyId}:${verb}`, { body });
const selfRevoke = (credential: string, reason?: unknown) =>
  anonymous(SELF_REVOKE, { body: { credential, reason } });
const get = async (keyId: string): Promise<Json> => (await admin(`${ISSUED}/${keyId}`)).json();

async function revocationsOf(cause: string): Promise<number> {
  const query = env.DB.prepare('SELECT count(*) AS n FROM revocations WHERE cause = ?');
  return Number((await query.bind(cause).first())?.n);
}

async function setExpiry(keyId: string, fromNowMs: number): Promise<void> {
  await env.DB.prepare(
    `UPDATE api_keys SET expire_time_ms = CAST(unixepoch('subsec') * 1000 AS INTEGER) + ?
     WHERE key_id = ?`,
  )
    .bind(fromNowMs, keyId)
    .run();
}

function daysFromNow(time: unknown): number {
  return (Date.parse(String(time)) - Date.now()) / 86_400_000;
}

describe('verify', () => {
  test('says what a key is', async () => {
    const { issued_api_key: key, secret } = await issue({
      scopes: ['read'],
      metadata: { a: 1 },
      rate_limit_policy: { quota: '100', window: '60s' },
      visibility: 'KEY_VISIBILITY_PUBLIC',
    });
    const response = await admin(VERIFY, { body: { credential: secret } });
    expect(response.headers.get('ory-talos-cache')).toBe('SKIP');
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('ratelimit-policy')).toBe('"default";q=100;w=60');
    expect(await response.json()).toEqual({
      is_valid: true,
      key_id: key.key_id,
      actor_id: 'alice',
      scopes: ['read'],
      expire_time: key.expire_time,
      metadata: { a: 1 },
      rate_limit_policy: { quota: '100', window: '60s', unit: 'requests' },
      rate_limit_remaining: '99',
      rate_limit_reset_time: expect.any(String),
      visibility: 'KEY_VISIBILITY_PUBLIC',
      issuer: env.ISSUER,
      status: 'KEY_STATUS_ACTIVE',
    });
  });

  const NOTHING = {
    is_valid: false,
    key_id: '',
    actor_id: '',
    scopes: [],
    expire_time: null,
    metadata: null,
    visibility: 'KEY_VISIBILITY_UNSPECIFIED',
    issuer: '',
    status: 'KEY_STATUS_UNSPECIFIED',
    error_message: expect.stringMatching(/./),
  };

  test.each([
    ['garbage', 'hello', 'NOT_FOUND'],
    ['white space', ' ', 'NOT_FOUND'],
    ['an issued shape without checksum', `ck_v1_${'2'.repeat(60)}_${'3'.repeat(11)}`, 'NOT_FOUND'],
    ['a forged token', FORGED_JWT, 'SIGNATURE_INVALID'],
    ['an unsigned token', jwt({ alg: 'none', typ: 'JWT' }), 'SIGNATURE_INVALID'],
    ['a token of another type', jwt({ alg: 'EdDSA', typ: 'dpop+jwt' }), 'INVALID_FORMAT'],
    ['a macaroon', 'mc_v1_AgEA', 'SIGNATURE_INVALID'],
    ['4096 characters', 'x'.repeat(4096), 'NOT_FOUND'],
    ['a token of 8192', FORGED_JWT.padEnd(8192, 'A'), 'SIGNATURE_INVALID'],
  ])('answers 200 and says nothing about %s', async (_, credential, code) => {
    const response = await admin(VERIFY, { body: { credential } });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      ...NOTHING,
      error_code: `VERIFICATION_ERROR_${code}`,
    });
  });

  test('tells neither a wrong checksum nor another random part from an unknown key', async () => {
    const { issued_api_key: key, secret } = await issue();
    const unknown = await issue();
    await env.DB.prepare('DELETE FROM api_keys WHERE key_id = ?')
      .bind(unknown.issued_api_key.key_id)
      .run();
    const last = secret.at(-1) === '2' ? '3' : '2';
    const wrongChecksum = await verify(secret.slice(0, -1) + last);
    const gone = await verify(unknown.secret);
    expect(gone).toEqual(wrongChecksum);
    expect(gone.error_code).toBe('VERIFICATION_ERROR_NOT_FOUND');
    // A genuine checksum over an id that exists, with a random part that is not that key's.
    await env.DB.prepare('UPDATE api_keys SET secret_hash = ? WHERE key_id = ?')
      .bind('00'.repeat(32), key.key_id)
      .run();
    expect(await verify(secret)).toEqual(gone);
  });

  test('follows a key through its life', async () => {
    const { issued_api_key: key, secret } = await issue();
    expect(await verify(secret)).toMatchObject({ is_valid: true });
    await setExpiry(key.key_id, -1);
    const expired = await verify(secret);
    expect(expired).toEqual({ ...NOTHING, error_code: 'VERIFICATION_ERROR_EXPIRED' });
    await setExpiry(key.key_id, 60_000);
    expect(await verify(secret)).toMatchObject({ is_valid: true });
    await act('revoke', key.key_id);
    const revoked = await verify(secret);
    expect(revoked).toEqual({ ...NOTHING, error_code: 'VERIFICATION_ERROR_REVOKED' });
    await setExpiry(key.key_id, -1);
    expect(await verify(secret)).toEqual(revoked); // Revoked outranks expired.
  });

  test('never verifies a key of another tenant', async () => {
    const { issued_api_key: key, secret } = await issue();
    const other = crypto.randomUUID();
    const move = env.DB.prepare('UPDATE api_keys SET nid = ? WHERE key_id = ?');
    await move.bind(other, key.key_id).run();
    expect(await verify(secret)).toMatchObject({ error_code: 'VERIFICATION_ERROR_NOT_FOUND' });
    for (const call of [
      admin(`${ISSUED}/${key.key_id}`),
      act('rotate', key.key_id),
      act('revoke', key.key_id),
      selfRevoke(secret),
    ]) {
      expect(await outcomeOf(await call)).toBe('404 api_key_not_found');
    }
    const untouched = env.DB.prepare('SELECT nid, state FROM api_keys WHERE key_id = ?');
    expect(await untouched.bind(key.key_id).first()).toEqual({ nid: other, state: 'active' });
  });

  describe('of a key that is bound to addresses', () => {
    let secret = '';
    beforeAll(async () => {
      const ranges = ['10.0.0.0/8', '2001:db8::/32'];
      ({ secret } = await issue({ ip_restriction: { allowed_cidrs: ranges } }));
    });

    test.each(['10.1.2.3', '2001:db8::1', '::ffff:10.0.0.1'])('allows %s', async (address) => {
      expect(await verify(secret, { 'CF-Connecting-IP': address })).toMatchObject({
        is_valid: true,
      });
    });

    test.each([
      ['another address', { 'CF-Connecting-IP': '11.0.0.1' }],
      ['no address at all', {}],
      ['no address but what the client claims', { 'X-Forwarded-For': '10.0.0.1' }],
      ['a client that claims another', { 'CF-Connecting-IP': '9.9.9.9', 'X-Real-IP': '10.0.0.1' }],
      ['garbage', { 'CF-Connecting-IP': '10.0.0.1, 10.0.0.2' }],
    ])('refuses %s', async (_, headers) => {
      expect(await verify(secret, headers as Record<string, string>)).toEqual({
        ...NOTHING,
        error_code: 'VERIFICATION_ERROR_IP_NOT_ALLOWED',
      });
    });
  });

  test.each([
    ['an empty credential', { credential: '' }],
    ['none', {}],
    ['null', { credential: null }],
    ['a number', { credential: 5 }],
    ['4097 characters', { credential: 'x'.repeat(4097) }],
    ['4097 bytes', { credential: 'é'.repeat(2049) }],
    ['a token of 8193', { credential: FORGED_JWT.padEnd(8193, 'A') }],
  ])('refuses %s with 400 bad_request', async (_, body) => {
    expect(await outcomeOf(await admin(VERIFY, { body }))).toBe('400 bad_request');
  });
});

describe('rotate', () => {
  test('replaces key and secret, inherits the rest, ends the old key', async () => {
    const old = await issue({
      scopes: ['a'],
      ttl: '1h',
      metadata: { x: 1 },
      rate_limit_policy: { quota: '5', window: '60s' },
      ip_restriction: { allowed_cidrs: ['0.0.0.0/0'] },
      visibility: 'KEY_VISIBILITY_PUBLIC',
    });
    const { key_id: oldId } = old.issued_api_key;
    const response = await act('rotate', oldId);
    expect(response.status).toBe(201);
    expect(response.headers.get('cardea-revocation')).toMatch(ANNOUNCED);
    const answer = await response.json();
    const { issued_api_key: key, old_issued_api_key: ended, secret } = answer;
    expect(Object.keys(answer).sort()).toEqual(['issued_api_key', 'old_issued_api_key', 'secret']);
    expect(response.headers.get('location')).toBe(`${ISSUED}/${key.key_id}`);
    expect(key.key_id).not.toBe(oldId);
    expect(key).toEqual({
      ...old.issued_api_key,
      key_id: key.key_id,
      create_time: key.create_time,
      update_time: key.create_time,
    });
    expect(ended).toMatchObject({
      key_id: oldId,
      status: 'KEY_STATUS_REVOKED',
      revocation_reason: 'REVOCATION_REASON_SUPERSEDED',
    });
    expect(daysFromNow(ended.expire_time)).toBeCloseTo(30, 1);
    expect(await get(oldId)).toEqual(ended);
    const from = { 'CF-Connecting-IP': '192.0.2.1' };
    expect(await verify(secret, from)).toMatchObject({ is_valid: true, key_id: key.key_id });
    expect(await verify(old.secret, from)).toMatchObject({
      error_code: 'VERIFICATION_ERROR_REVOKED',
    });
  });

  test.each([
    ['name', { name: 'new' }, { name: 'new' }],
    ['name, emptied', { name: '' }, { name: '' }],
    ['scopes', { scopes: ['b'] }, { scopes: ['b'] }],
    ['scopes, emptied', { scopes: [] }, { scopes: [] }],
    ['metadata', { metadata: { y: 2 } }, { metadata: { y: 2 } }],
    ['metadata, emptied', { metadata: {} }, { metadata: {} }],
    [
      'visibility',
      { visibility: 'KEY_VISIBILITY_SECRET' },
      { visibility: 'KEY_VISIBILITY_SECRET' },
    ],
    ['policy, emptied', { rate_limit_policy: {} }, { rate_limit_policy: undefined }],
    ['ranges, emptied', { ip_restriction: {} }, { ip_restriction: undefined }],
    ['null as absent', { name: null, scopes: null, metadata: null, ip_restriction: null }, {}],
    ['nothing that cannot be set', { ttl: '1s', actor_id: 'eve', key_id: 'x', status: 2 }, {}],
  ])('overrides %s', async (_, body, expected) => {
    const old = await issue({
      scopes: ['a'],
      metadata: { x: 1 },
      rate_limit_policy: { quota: '5', window: '60s' },
      ip_restriction: { allowed_cidrs: ['10.0.0.0/8'] },
      visibility: 'KEY_VISIBILITY_PUBLIC',
    });
    const { issued_api_key: key } = await (
      await act('rotate', old.issued_api_key.key_id, body)
    ).json();
    const { key_id, create_time, update_time } = key;
    const { ...wanted } = { ...old.issued_api_key, ...expected, key_id, create_time, update_time };
    expect(key).toEqual(wanted);
  });

  test('gives the new key the prefix of its new visibility', async () => {
    const { issued_api_key: old } = await issue();
    const body = { visibility: 'KEY_VISIBILITY_PUBLIC' };
    const { secret } = await (await act('rotate', old.key_id, body)).json();
    expect(secret).toMatch(/^ckp_v1_/);
    expect(await verify(secret)).toMatchObject({ is_valid: true });
  });

  test('of a revoked or expired key is 409 failed_precondition and makes nothing', async () => {
    const revoked = (await issue()).issued_api_key.key_id;
    await act('revoke', revoked);
    const expired = (await issue()).issued_api_key.key_id;
    await setExpiry(expired, -1);
    const count = env.DB.prepare('SELECT count(*) AS n FROM api_keys');
    const before = await count.first();
    for (const keyId of [revoked, expired]) {
      expect(await outcomeOf(await act('rotate', keyId))).toBe('409 failed_precondition');
    }
    expect(await count.first()).toEqual(before);
    expect(await get(expired)).toMatchObject({ status: 'KEY_STATUS_EXPIRED' });
  });

  test.each<[string, string, object, string]>([
    ['an unknown key', crypto.randomUUID(), {}, '404 api_key_not_found'],
    ['no id', 'nonsense', {}, '404 api_key_not_found'],
    ['an imported id', 'ab'.repeat(32), {}, '404 api_key_not_found'],
    ['a long name', crypto.randomUUID(), { name: 'x'.repeat(256) }, '400 bad_request'],
    ['bad scopes', crypto.randomUUID(), { scopes: [''] }, '400 bad_request'],
    [
      'a bad range',
      crypto.randomUUID(),
      { ip_restriction: { allowed_cidrs: ['x'] } },
      '400 bad_request',
    ],
  ])('refuses %s', async (_, ...[keyId, body, outcome]) => {
    expect(await outcomeOf(await act('rotate', keyId, body))).toBe(outcome);
  });

  test('eight at once: one wins, one new key, one revocation', async () => {
    const { issued_api_key: key } = await issue({ actor_id: 'rotated-by-eight' });
    const before = await revocationsOf('api_key.rotate');
    const calls = Array.from({ length: 8 }, () => act('rotate', key.key_id));
    const outcomes = await Promise.all((await Promise.all(calls)).map(outcomeOf));
    expect(outcomes.sort()).toEqual(['201', ...Array(7).fill('409 failed_precondition')]);
    expect(await revocationsOf('api_key.rotate')).toBe(before + 1);
    const keys = env.DB.prepare('SELECT state FROM api_keys WHERE actor_id = ? ORDER BY state');
    const { results } = await keys.bind('rotated-by-eight').all();
    expect(results).toEqual([{ state: 'active' }, { state: 'revoked' }]);
  });
});

describe.each([
  ['issuedApiKeys/{id}:revoke', (id: string) => `${ISSUED}/${id}:revoke`],
  ['apiKeys/{id}:revoke', (id: string) => `/v2alpha1/admin/apiKeys/${id}:revoke`],
])('revoke by %s', (_, path) => {
  const revoke = (keyId: string, body?: unknown) => admin(path(keyId), { method: 'POST', body });

  test('ends a key and writes the row that tells the edges', async () => {
    const { issued_api_key: key, secret } = await issue({ ttl: '1h' });
    const response = await revoke(key.key_id, { reason: 'REVOCATION_REASON_KEY_COMPROMISE' });
    expect(response.headers.get('cardea-revocation')).toMatch(ANNOUNCED);
    const isAcknowledged = response.headers.get('cardea-revocation') === 'acknowledged';
    expect(response.status).toBe(isAcknowledged ? 204 : 202);
    expect(await response.text()).toBe('');
    const ended = await get(key.key_id);
    expect(ended).toMatchObject({
      status: 'KEY_STATUS_REVOKED',
      revocation_reason: 'REVOCATION_REASON_KEY_COMPROMISE',
    });
    expect(ended).not.toHaveProperty('revocation_description');
    expect(daysFromNow(ended.expire_time)).toBeCloseTo(30, 1);
    expect(await verify(secret)).toMatchObject({ error_code: 'VERIFICATION_ERROR_REVOKED' });
    const bytes = key.key_id.replaceAll('-', '');
    const scopeId = [0, 1, 2, 3, 4, 5, 7, 9].map((i) => bytes.slice(2 * i, 2 * i + 2)).join('');
    const rows = env.DB.prepare('SELECT * FROM revocations WHERE scope_id = ?').bind(scopeId);
    const { results } = await rows.all();
    expect(results).toMatchObject([{ scope: 'key', bound_s: 0xffffffff, cause: 'api_key.revoke' }]);
    const [row] = results;
    // Longest derived token and skew, as configured: an entry must outlive what it could match.
    expect(Number(row?.expires_at_s) - Number(row?.created_at_s)).toBe(86_400 + 60);
  });

  test('keeps an expiry that is later than the retention', async () => {
    const { issued_api_key: key } = await issue({ ttl: '8760h' });
    await revoke(key.key_id, {});
    expect(await get(key.key_id)).toMatchObject({ expire_time: key.expire_time });
  });

  test.each([
    ['no body', undefined, 'REVOCATION_REASON_UNSPECIFIED'],
    ['an empty body', {}, 'REVOCATION_REASON_UNSPECIFIED'],
    ['no reason in particular', { reason: 0 }, 'REVOCATION_REASON_UNSPECIFIED'],
    ['a reason by number', { reason: 3 }, 'REVOCATION_REASON_SUPERSEDED'],
    [
      'an empty description',
      { reason: 'REVOCATION_REASON_SUPERSEDED', description: '' },
      'REVOCATION_REASON_SUPERSEDED',
    ],
  ])('takes %s', async (_, body, reason) => {
    const { issued_api_key: key } = await issue();
    expect((await revoke(key.key_id, body)).ok).toBe(true);
    expect(await get(key.key_id)).toMatchObject({ revocation_reason: reason });
  });

  test('keeps a description beside the one reason that has one', async () => {
    const { issued_api_key: key } = await issue();
    const reason = 'REVOCATION_REASON_PRIVILEGE_WITHDRAWN';
    expect((await revoke(key.key_id, { reason, description: 'left' })).ok).toBe(true);
    expect(await get(key.key_id)).toMatchObject({
      revocation_reason: reason,
      revocation_description: 'left',
    });
  });

  test('takes an expired key', async () => {
    const { issued_api_key: key } = await issue();
    await setExpiry(key.key_id, -1);
    expect((await revoke(key.key_id, {})).ok).toBe(true);
    expect(await get(key.key_id)).toMatchObject({ status: 'KEY_STATUS_REVOKED' });
  });

  test('of a revoked key is 409 conflict and changes nothing', async () => {
    const { issued_api_key: key } = await issue();
    await revoke(key.key_id, { reason: 1 });
    const before = await get(key.key_id);
    const again = await revoke(key.key_id, { reason: 2 });
    expect(again.status).toBe(409);
    const { error } = await again.json();
    expect(error).toMatchObject({ message: 'key is already revoked', status: 'ALREADY_EXISTS' });
    expect(await get(key.key_id)).toEqual(before);
  });

  test.each<[string, string, object, string]>([
    ['an unknown key', crypto.randomUUID(), {}, '404 api_key_not_found'],
    ['no id', 'nonsense', {}, '404 api_key_not_found'],
    ['an unknown imported id', 'ab'.repeat(32), {}, '404 api_key_not_found'],
    ['an id with an encoded colon', 'a%3Ab', {}, '404 api_key_not_found'],
    ['an unknown reason', crypto.randomUUID(), { reason: 'WHY_NOT' }, '400 bad_request'],
    ['a reason out of range', crypto.randomUUID(), { reason: 5 }, '400 bad_request'],
    ['a description without reason', crypto.randomUUID(), { description: 'x' }, '400 bad_request'],
    [
      'a description beside another reason',
      crypto.randomUUID(),
      { reason: 'REVOCATION_REASON_SUPERSEDED', description: 'x' },
      '400 bad_request',
    ],
    [
      'a long description',
      crypto.randomUUID(),
      { reason: 'REVOCATION_REASON_PRIVILEGE_WITHDRAWN', description: 'x'.repeat(1025) },
      '400 bad_request',
    ],
  ])('refuses %s', async (_, ...[keyId, body, outcome]) => {
    expect(await outcomeOf(await revoke(keyId, body))).toBe(outcome);
  });

  test('eight at once: one wins, one row', async () => {
    const { issued_api_key: key } = await issue();
    const before = await revocationsOf('api_key.revoke');
    const calls = Array.from({ length: 8 }, () => revoke(key.key_id, {}));
    const outcomes = await Promise.all((await Promise.all(calls)).map(outcomeOf));
    expect(outcomes.sort().slice(1)).toEqual(Array(7).fill('409 conflict'));
    expect(outcomes[0]).toMatch(/^20[24]$/);
    expect(await revocationsOf('api_key.revoke')).toBe(before + 1);
  });

  test('revoke and rotate at once: one of them wins', async () => {
    const { issued_api_key: key } = await issue({ actor_id: `race-${crypto.randomUUID()}` });
    const [revoked, rotated] = await Promise.all([
      revoke(key.key_id, {}),
      act('rotate', key.key_id),
    ]);
    expect([revoked.ok, rotated.ok].filter(Boolean)).toHaveLength(1);
    const live = env.DB.prepare(
      "SELECT count(*) AS n FROM api_keys WHERE actor_id = ? AND state = 'active'",
    );
    expect(await live.bind(key.actor_id).first()).toEqual({ n: rotated.ok ? 1 : 0 });
  });
});

describe('selfRevoke', () => {
  test('ends the key that is shown, without any other credential', async () => {
    const { issued_api_key: key, secret } = await issue();
    const response = await selfRevoke(secret, 'REVOCATION_REASON_KEY_COMPROMISE');
    expect(response.status).toBe(200);
    expect(response.headers.get('cardea-revocation')).toMatch(ANNOUNCED);
    expect(await response.json()).toEqual({});
    expect(await get(key.key_id)).toMatchObject({
      status: 'KEY_STATUS_REVOKED',
      revocation_reason: 'REVOCATION_REASON_KEY_COMPROMISE',
    });
    const again = await selfRevoke(secret);
    expect(again.status).toBe(200);
    expect(await again.json()).toEqual({});
  });

  test('works from any address, also for a key that is bound to some', async () => {
    const { secret } = await issue({ ip_restriction: { allowed_cidrs: ['10.0.0.0/8'] } });
    expect(await outcomeOf(await selfRevoke(secret))).toBe('200');
  });

  test('of an expired key is 401 api_key_expired', async () => {
    const { issued_api_key: key, secret } = await issue();
    await setExpiry(key.key_id, -1);
    expect(await outcomeOf(await selfRevoke(secret))).toBe('401 api_key_expired');
    expect(await get(key.key_id)).toMatchObject({ status: 'KEY_STATUS_EXPIRED' });
  });

  test('by the reason of administrators is 400 and leaves the key alone', async () => {
    const { issued_api_key: key, secret } = await issue();
    const response = await selfRevoke(secret, 'REVOCATION_REASON_PRIVILEGE_WITHDRAWN');
    expect(await outcomeOf(response)).toBe('400 bad_request');
    expect(await get(key.key_id)).toMatchObject({ status: 'KEY_STATUS_ACTIVE' });
  });

  test.each([
    ['a token', FORGED_JWT, '400 derived_token_not_revocable'],
    ['a macaroon', 'mc_v1_AgEA', '400 derived_token_not_revocable'],
    ['garbage', 'garbage', '404 api_key_not_found'],
    ['a wrong checksum', `ck_v1_${'2'.repeat(60)}_${'3'.repeat(11)}`, '404 api_key_not_found'],
    ['nothing', '', '400 bad_request'],
    ['too much', 'x'.repeat(4097), '400 bad_request'],
  ])('refuses %s', async (_, credential, outcome) => {
    expect(await outcomeOf(await selfRevoke(credential))).toBe(outcome);
  });

  test('of a key id with another random part is 404 and leaves the key alone', async () => {
    const { issued_api_key: key, secret } = await issue();
    const genuine = env.DB.prepare('SELECT secret_hash FROM api_keys WHERE key_id = ?');
    const { secret_hash: hash } = (await genuine.bind(key.key_id).first()) ?? {};
    const update = env.DB.prepare('UPDATE api_keys SET secret_hash = ? WHERE key_id = ?');
    await update.bind('11'.repeat(32), key.key_id).run();
    expect(await outcomeOf(await selfRevoke(secret))).toBe('404 api_key_not_found');
    await update.bind(hash, key.key_id).run();
    expect(await verify(secret)).toMatchObject({ is_valid: true });
  });

  test('eight at once: all answer 200, one row', async () => {
    const { secret } = await issue();
    const before = await revocationsOf('api_key.self_revoke');
    const calls = await Promise.all(Array.from({ length: 8 }, () => selfRevoke(secret)));
    expect(calls.map(({ status }) => status)).toEqual(Array(8).fill(200));
    expect(await revocationsOf('api_key.self_revoke')).toBe(before + 1);
  });
});
