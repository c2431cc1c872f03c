/** verify and batchVerify on the real worker, D1 and counters. */

import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, test } from 'vitest';
import { admin, anonymous, issue, outcomeOf } from '../../../testing/api.ts';
import { publish } from '../../../testing/hub.ts';
import { batchVerifyAnswer, verifyAnswer } from '../messages/answers.ts';

const VERIFY = '/v2alpha1/admin/apiKeys:verify';
const BATCH = '/v2alpha1/admin/apiKeys:batchVerify';
const IMPORTED = '/v2alpha1/admin/importedApiKeys';

const verify = (credential: string, headers: Record<string, string> = {}) =>
  admin(VERIFY, { body: { credential }, headers });
const batch = (credentials: readonly unknown[], headers: Record<string, string> = {}) =>
  admin(BATCH, { body: { requests: credentials.map((credential) => ({ credential })) }, headers });

const limited = (quota: string, window = '60s') =>
  issue({ rate_limit_policy: { quota, window } }) as Promise<{
    secret: string;
    issued_api_key: { key_id: string };
  }>;

async function importKey(rawKey: string, request: Record<string, unknown> = {}) {
  const body = { raw_key: rawKey, name: 'imported', actor_id: 'bob', ...request };
  const response = await admin(IMPORTED, { body });
  if (response.status !== 201) throw new Error(`Import answered ${await outcomeOf(response)}.`);
  return response.json();
}

async function derive(credential: string): Promise<string> {
  const response = await admin('/v2alpha1/admin/apiKeys:derive', { body: { credential } });
  if (response.status !== 200) throw new Error(`Derive answered ${await outcomeOf(response)}.`);
  return (await response.json()).token.token;
}

const exchange = (secret: string) =>
  anonymous('/oauth2/token', {
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: `grant_type=client_credentials&client_secret=${secret}`,
  });

const lastUsedOf = async (keyId: string) =>
  (await (await admin(`/v2alpha1/admin/issuedApiKeys/${keyId}`)).json()).last_used_time;

beforeAll(publish);

describe('verify', () => {
  test('says what a key stands for, and that nothing was cached', async () => {
    const { secret, issued_api_key: key } = await issue({ scopes: ['a'], metadata: { n: 1 } });
    for (const headers of [{}, { 'Cache-Control': 'no-cache' }, { Pragma: 'no-cache' }]) {
      const response = await verify(secret, headers);
      expect(response.status).toBe(200);
      expect(response.headers.get('Ory-Talos-Cache')).toBe('SKIP');
      expect(response.headers.get('Cache-Control')).toBe('no-store');
      for (const name of ['RateLimit', 'RateLimit-Policy', 'Retry-After']) {
        expect(response.headers.has(name)).toBe(false);
      }
      const answer = await response.json();
      expect(verifyAnswer.parse(answer)).toEqual(answer);
      expect(answer).toMatchObject({
        ...{ is_valid: true, key_id: key.key_id, actor_id: 'alice', scopes: ['a'] },
        ...{ metadata: { n: 1 }, status: 'KEY_STATUS_ACTIVE' },
      });
    }
  });

  test('tells nothing of a refused key but why', async () => {
    const { secret, issued_api_key: key } = await issue();
    await admin(`/v2alpha1/admin/issuedApiKeys/${key.key_id}:revoke`, { body: {} });
    const answer = await (await verify(secret)).json();
    expect(verifyAnswer.parse(answer)).toEqual(answer);
    expect(answer).toEqual({
      ...{ is_valid: false, key_id: '', actor_id: '', scopes: [], expire_time: null },
      ...{ metadata: null, visibility: 'KEY_VISIBILITY_UNSPECIFIED', issuer: '' },
      status: 'KEY_STATUS_UNSPECIFIED',
      error_code: 'VERIFICATION_ERROR_REVOKED',
      error_message: 'The API key has been revoked.',
    });
  });

  test.each([
    ['an empty credential', { credential: '' }],
    ['no credential', {}],
    ['a number', { credential: 7 }],
    ['a credential of 4,097 bytes', { credential: 'x'.repeat(4097) }],
  ])('%s is a bad request', async (_, body) => {
    expect(await outcomeOf(await admin(VERIFY, { body }))).toBe('400 bad_request');
  });

  test('garbage is not found, and no second kind is tried', async () => {
    for (const credential of ['x', `ck_v1_${'2'.repeat(64)}_${'2'.repeat(11)}`]) {
      const answer = await (await verify(credential)).json();
      expect(answer.error_code).toBe('VERIFICATION_ERROR_NOT_FOUND');
    }
  });
});

describe('a rate limit', () => {
  test('lets the quota pass, then says when to come back', async () => {
    const { secret } = await limited('2');
    const first = await verify(secret);
    expect(first.headers.get('RateLimit-Policy')).toBe('"default";q=2;w=60');
    expect(first.headers.get('RateLimit')).toBe('"default";r=1;t=30');
    expect(first.headers.has('Retry-After')).toBe(false);
    const answer = await first.json();
    expect(verifyAnswer.parse(answer)).toEqual(answer);
    expect(answer).toMatchObject({
      is_valid: true,
      rate_limit_policy: { quota: '2', window: '60s', unit: 'requests' },
      rate_limit_remaining: '1',
    });
    const inSeconds = (Date.parse(answer.rate_limit_reset_time) - Date.now()) / 1000;
    expect(inSeconds).toBeGreaterThan(25);
    expect(inSeconds).toBeLessThan(32);

    expect(await (await verify(secret)).json()).toMatchObject({ rate_limit_remaining: '0' });
    const refused = await verify(secret);
    expect(refused.status).toBe(200);
    expect(refused.headers.get('RateLimit-Policy')).toBe('"default";q=2;w=60');
    expect(refused.headers.get('RateLimit')).toMatch(/^"default";r=0;t=(59|60)$/);
    const retryAfter = Number(refused.headers.get('Retry-After'));
    expect(retryAfter).toBeGreaterThanOrEqual(1);
    expect(retryAfter).toBeLessThanOrEqual(30);
    const limitedAnswer = await refused.json();
    expect(verifyAnswer.parse(limitedAnswer)).toEqual(limitedAnswer);
    expect(limitedAnswer).toMatchObject({
      ...{ is_valid: false, key_id: '', scopes: [], status: 'KEY_STATUS_UNSPECIFIED' },
      error_code: 'VERIFICATION_ERROR_RATE_LIMITED',
      rate_limit_policy: { quota: '2', window: '60s', unit: 'requests' },
      rate_limit_remaining: '0',
    });
  });

  test('gives requests back as time passes', async () => {
    const { secret } = await limited('1', '1s');
    const codes = [];
    for (let i = 0; i < 2; i++) codes.push((await (await verify(secret)).json()).error_code);
    expect(codes).toEqual([undefined, 'VERIFICATION_ERROR_RATE_LIMITED']);
    await new Promise((resolve) => setTimeout(resolve, 1100));
    expect((await (await verify(secret)).json()).is_valid).toBe(true);
  });

  test('is exact under requests that come at once', async () => {
    const { secret } = await limited('5', '3600s');
    const answers = await Promise.all(
      Array.from({ length: 20 }, async () => (await verify(secret)).json()),
    );
    expect(answers.filter((answer) => answer.is_valid)).toHaveLength(5);
    const codes = new Set(answers.map((answer) => answer.error_code));
    expect(codes).toEqual(new Set([undefined, 'VERIFICATION_ERROR_RATE_LIMITED']));
  });

  test('is each key’s own', async () => {
    const [one, other] = [await limited('1'), await limited('1')];
    for (const { secret } of [one, other]) {
      expect((await (await verify(secret)).json()).is_valid).toBe(true);
    }
  });

  test('is not used up by whoever has only half the key, nor by a key that is refused', async () => {
    const { secret, issued_api_key: key } = await issue({
      rate_limit_policy: { quota: '1', window: '3600s' },
      ip_restriction: { allowed_cidrs: ['10.0.0.0/8'] },
    });
    const path = `/v2alpha1/admin/issuedApiKeys/${key.key_id}`;
    const fromAfar = { 'CF-Connecting-IP': '192.0.2.1' };
    for (const credential of [secret, secret, `${secret.slice(0, -1)}1`]) {
      expect((await (await verify(credential, fromAfar)).json()).is_valid).toBe(false);
    }
    const near = { 'CF-Connecting-IP': '10.0.0.1' };
    expect(await (await verify(secret, near)).json()).toMatchObject({ is_valid: true });
    expect((await (await verify(secret, near)).json()).error_code).toBe(
      'VERIFICATION_ERROR_RATE_LIMITED',
    );
    // The address is judged first: a limit that is used up hides no other reason.
    expect((await (await verify(secret, fromAfar)).json()).error_code).toBe(
      'VERIFICATION_ERROR_IP_NOT_ALLOWED',
    );
    await admin(`${path}:revoke`, { body: {} });
    expect((await (await verify(secret, near)).json()).error_code).toBe(
      'VERIFICATION_ERROR_REVOKED',
    );
  });

  test('beyond what can be counted is told, and not enforced', async () => {
    const { secret } = await limited('9223372036854775807', '1s');
    const response = await verify(secret);
    expect(response.headers.get('RateLimit-Policy')).toBe('"default";q=999999999999999;w=1');
    expect(response.headers.has('RateLimit')).toBe(false);
    const answer = await response.json();
    expect(answer).toMatchObject({ is_valid: true });
    expect(answer.rate_limit_policy.quota).toBe('9223372036854775807');
    expect(answer).not.toHaveProperty('rate_limit_remaining');
  });

  test('does not limit the tokens derived from the key, nor deriving them', async () => {
    const { secret } = await limited('1', '3600s');
    expect((await (await verify(secret)).json()).is_valid).toBe(true);
    const token = await derive(secret);
    for (let i = 0; i < 3; i++) {
      const answer = await (await verify(token)).json();
      expect(answer.is_valid).toBe(true);
      expect(answer).not.toHaveProperty('rate_limit_policy');
    }
  });
});

describe('batchVerify', () => {
  test('answers each credential by itself, in order', async () => {
    const raw = `legacy-${crypto.randomUUID()}`;
    const [alive, dead, bound] = [
      await issue({ name: 'alive' }),
      await issue(),
      await issue({ ip_restriction: { allowed_cidrs: ['10.0.0.0/8'] } }),
    ];
    const imported = await importKey(raw);
    const token = await derive(alive.secret);
    await admin(`/v2alpha1/admin/issuedApiKeys/${dead.issued_api_key.key_id}:revoke`, { body: {} });
    const credentials = [
      ...[alive.secret, '', dead.secret, token, 'unknown', raw, bound.secret],
      ...[`${token.slice(0, -4)}AAAA`, `mc_v1_${'x'.repeat(20)}`, 'x'.repeat(5000)],
    ];
    const response = await batch(credentials, { 'CF-Connecting-IP': '192.0.2.1' });
    expect(response.status).toBe(200);
    expect(response.headers.get('Ory-Talos-Cache')).toBe('SKIP');
    expect(response.headers.get('Cache-Control')).toBe('no-store');
    const answer = await response.json();
    expect(batchVerifyAnswer.parse(answer)).toEqual(answer);
    const verdicts = answer.results.map(
      (one: Record<string, string>) => one.error_code ?? one.key_id,
    );
    const refused = (name: string) => `VERIFICATION_ERROR_${name}`;
    expect(verdicts).toEqual([
      alive.issued_api_key.key_id,
      refused('INVALID_FORMAT'),
      refused('REVOKED'),
      alive.issued_api_key.key_id,
      refused('NOT_FOUND'),
      imported.key_id,
      refused('IP_NOT_ALLOWED'),
      refused('SIGNATURE_INVALID'),
      refused('SIGNATURE_INVALID'),
      refused('INVALID_FORMAT'),
    ]);
    // The same verdicts as one by one, but for the credentials that verify calls a bad request.
    for (const i of [0, 2, 3, 4, 5, 6, 7, 8]) {
      const headers = { 'CF-Connecting-IP': '192.0.2.1' };
      expect(await (await verify(credentials[i] ?? '', headers)).json()).toEqual(answer.results[i]);
    }
  });

  test('counts a key as often as it stands there, the first ones first', async () => {
    const { secret } = await limited('2', '3600s');
    const { secret: free } = await issue();
    const { results } = await (await batch([secret, free, secret, secret, secret])).json();
    expect(results.map((one: { is_valid: boolean }) => one.is_valid)).toEqual([
      ...[true, true, true, false, false],
    ]);
    expect(results.map((one: Record<string, string>) => one.rate_limit_remaining)).toEqual([
      ...['1', undefined, '0', '0', '0'],
    ]);
    expect(results[3].error_code).toBe('VERIFICATION_ERROR_RATE_LIMITED');
    const single = await (await verify(secret)).json();
    expect(single.error_code).toBe('VERIFICATION_ERROR_RATE_LIMITED');
  });

  test('takes a hundred credentials', async () => {
    const { secret } = await issue();
    const { results } = await (await batch(Array(100).fill(secret))).json();
    expect(results).toHaveLength(100);
    expect(results.every((one: { is_valid: boolean }) => one.is_valid)).toBe(true);
  });

  test.each([
    ['no requests', {}],
    ['an empty list', { requests: [] }],
    ['a hundred and one', { requests: Array(101).fill({ credential: 'x' }) }],
    ['no list', { requests: { credential: 'x' } }],
    ['an item that is no object', { requests: ['x'] }],
    ['a credential that is no text', { requests: [{ credential: 7 }] }],
  ])('%s is a bad request', async (_, body) => {
    expect(await outcomeOf(await admin(BATCH, { body }))).toBe('400 bad_request');
  });
});

describe('last_used_time', () => {
  const eventually = async (keyId: string) => {
    for (let tries = 0; tries < 40; tries++) {
      const time = await lastUsedOf(keyId);
      if (time !== undefined) return Date.parse(time);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    return undefined;
  };

  test.each([
    ['verify', (secret: string) => verify(secret)],
    ['batchVerify', (secret: string) => batch([secret, secret])],
    ['derive', async (secret: string) => derive(secret)],
    ['the exchange', (secret: string) => exchange(secret)],
  ])('is noted by %s', async (_, use) => {
    const { secret, issued_api_key: key } = await issue();
    expect(await lastUsedOf(key.key_id)).toBeUndefined();
    await use(secret);
    const noted = await eventually(key.key_id);
    expect(Math.abs((noted ?? 0) - Date.now())).toBeLessThan(60_000);
  });

  test('is not moved by a refused key, nor written twice in a minute', async () => {
    const { secret, issued_api_key: key } = await limited('1', '3600s');
    await verify(secret);
    const noted = await eventually(key.key_id);
    const path = `/v2alpha1/admin/issuedApiKeys/${key.key_id}`;
    for (let i = 0; i < 3; i++) await verify(secret);
    await admin(`${path}:revoke`, { body: {} });
    await verify(secret);
    expect(await eventually(key.key_id)).toBe(noted);
    const row = env.DB.prepare('SELECT last_used_time_ms AS ms FROM api_keys WHERE key_id = ?');
    expect(await row.bind(key.key_id).first('ms')).toBe(noted);
  });
});
