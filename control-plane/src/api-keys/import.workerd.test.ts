/** Imported keys over HTTP: what is taken in, what is refused, and what stays of a raw key. */

import { env } from 'cloudflare:workers';
import { encodeHex } from '@cardea/shared/bytes/hex';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  admin,
  anonymous,
  IMPORTED,
  ISSUED,
  importKey,
  issue,
  outcomeOf,
} from '../../testing/api.ts';
import { publish } from '../../testing/hub.ts';

// Tokens are signed once the first signing key has been published.
beforeAll(publish);

const VALID = { name: 'key', actor_id: 'alice' };
const KEY_ID = /^[0-9a-f]{64}$/;
const VERIFY = '/v2alpha1/admin/apiKeys:verify';
const BATCH = `${IMPORTED}:batchCreate`;

const attempt = (request: unknown) => admin(IMPORTED, { body: request });
const newRawKey = () => `legacy_${crypto.randomUUID()}`;

async function verify(credential: string) {
  return (await admin(VERIFY, { body: { credential } })).json();
}

async function sha256Hex(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return encodeHex(new Uint8Array(digest));
}

async function countKeys(): Promise<number> {
  const row = await env.DB.prepare('SELECT count(*) AS n FROM api_keys').first();
  return Number(row?.n);
}

async function countEvents(): Promise<number> {
  const row = await env.DB.prepare('SELECT count(*) AS n FROM audit_events').first();
  return Number(row?.n);
}

describe('importing', () => {
  test('answers 201 with the key and its place, and the key verifies', async () => {
    const rawKey = newRawKey();
    const response = await attempt({
      ...{ ...VALID, raw_key: rawKey, scopes: ['read'], ttl: '1h', metadata: { a: 1 } },
      rate_limit_policy: { quota: 5, window: '60s' },
      ip_restriction: { allowed_cidrs: ['0.0.0.0/0'] },
      visibility: 'KEY_VISIBILITY_PUBLIC',
    });
    expect(response.status).toBe(201);
    const key = await response.json();
    expect(key).toEqual({
      key_id: expect.stringMatching(KEY_ID),
      ...{ ...VALID, scopes: ['read'], metadata: { a: 1 }, status: 'KEY_STATUS_ACTIVE' },
      create_time: expect.any(String),
      update_time: key.create_time,
      expire_time: expect.any(String),
      rate_limit_policy: { quota: '5', window: '60s', unit: 'requests' },
      ip_restriction: { allowed_cidrs: ['0.0.0.0/0'] },
      visibility: 'KEY_VISIBILITY_PUBLIC',
    });
    expect(Date.parse(key.expire_time) - Date.parse(key.create_time)).toBe(3_600_000);
    const place = `${IMPORTED}/${key.key_id}`;
    expect(response.headers.get('location')).toBe(place);
    expect(response.headers.get('cardea-warning')).toBeNull();
    expect(await (await admin(place)).json()).toEqual(key);
    const headers = { 'CF-Connecting-IP': '192.0.2.1' };
    const verified = await admin(VERIFY, { body: { credential: rawKey }, headers });
    expect(await verified.json()).toMatchObject({
      ...{ is_valid: true, key_id: key.key_id, actor_id: 'alice', scopes: ['read'] },
    });
  });

  test('without a ttl gives it the default life', async () => {
    const key = await importKey();
    const days = (Date.parse(key.expire_time) - Date.parse(key.create_time)) / 86_400_000;
    expect(days).toBe(90);
  });

  test('of the hash is the same as importing the key', async () => {
    const rawKey = newRawKey();
    const hash = await sha256Hex(rawKey);
    const { key_id: keyId } = await importKey({ raw_key: undefined, raw_key_sha256: hash });
    expect(await verify(rawKey)).toMatchObject({ is_valid: true, key_id: keyId });
    expect(await verify(hash)).toMatchObject({ is_valid: false });
    expect(await outcomeOf(await attempt({ ...VALID, raw_key: rawKey }))).toBe(
      '409 api_key_exists',
    );
    const upper = { ...VALID, raw_key_sha256: hash.toUpperCase() };
    expect(await outcomeOf(await attempt(upper))).toBe('409 api_key_exists');
  });

  test('leaves the raw key nowhere: not in the database, not in any answer', async () => {
    const rawKey = newRawKey();
    const response = await attempt({ ...VALID, raw_key: rawKey, request_id: 'leak' });
    expect(await response.text()).not.toContain(rawKey);
    const hash = await sha256Hex(rawKey);
    for (const table of ['api_keys', 'audit_events', 'idempotent_requests', 'revocations']) {
      const { results } = await env.DB.prepare(`SELECT * FROM ${table}`).all();
      const text = JSON.stringify(results);
      expect(text).not.toContain(rawKey);
      expect(text).not.toContain(hash);
    }
    const refused = await attempt({ ...VALID, raw_key: rawKey, request_id: 'other' });
    expect(await refused.text()).not.toContain(rawKey);
  });

  test('keeps a key as its bytes: no trimming, no case, no normalisation', async () => {
    const rawKey = newRawKey();
    const variants = [
      ...[` ${rawKey}`, `${rawKey}\n`, rawKey.toUpperCase()],
      ...[`${rawKey}\u00e9`, `${rawKey}e\u0301`],
    ];
    await importKey({ raw_key: rawKey });
    for (const variant of variants) {
      expect(await verify(variant)).toMatchObject({ error_code: 'VERIFICATION_ERROR_NOT_FOUND' });
      await importKey({ raw_key: variant });
      expect(await verify(variant)).toMatchObject({ is_valid: true });
    }
  });

  test.each([
    ['a single character', 'x', true],
    ['a word', 'correcthorse', true],
    ['one character often', 'a'.repeat(40), true],
    ['a UUID', crypto.randomUUID(), false],
    ['32 hexadecimal digits', crypto.randomUUID().replaceAll('-', ''), false],
    ['4096 characters', `${newRawKey()}${'x'.repeat(4053)}`, false],
  ])('warns of %s as it should', async (_, rawKey, isWarned) => {
    const response = await attempt({ ...VALID, raw_key: rawKey });
    expect(response.status).toBe(201);
    expect(response.headers.has('cardea-warning')).toBe(isWarned);
    expect(await verify(rawKey)).toMatchObject({ is_valid: true });
  });
});

const RAW = { raw_key: 'a-raw-key-that-is-never-imported' };
const HASH = '0'.repeat(64);

/** Requests that are refused, each with its exact code, alone and inside of a batch. */
const REFUSALS: ReadonlyArray<readonly [string, unknown, string]> = [
  ['no name', { actor_id: 'a', ...RAW }, '400 bad_request'],
  ['an empty name', { ...VALID, ...RAW, name: '' }, '400 bad_request'],
  ['256 characters of name', { ...VALID, ...RAW, name: 'x'.repeat(256) }, '400 bad_request'],
  ['no actor', { name: 'n', ...RAW }, '400 bad_request'],
  ['256 characters of actor', { ...VALID, ...RAW, actor_id: 'x'.repeat(256) }, '400 bad_request'],
  ['no raw key', VALID, '400 bad_request'],
  ['an empty raw key', { ...VALID, raw_key: '' }, '400 bad_request'],
  ['a raw key that is null', { ...VALID, raw_key: null }, '400 bad_request'],
  ['a raw key that is a number', { ...VALID, raw_key: 5 }, '400 bad_request'],
  ['4097 characters', { ...VALID, raw_key: 'x'.repeat(4097) }, '400 bad_request'],
  ['4098 bytes', { ...VALID, raw_key: 'é'.repeat(2049) }, '400 bad_request'],
  ['key and hash', { ...VALID, ...RAW, raw_key_sha256: HASH }, '400 bad_request'],
  ['63 digits', { ...VALID, raw_key_sha256: HASH.slice(1) }, '400 bad_request'],
  ['65 digits', { ...VALID, raw_key_sha256: `${HASH}0` }, '400 bad_request'],
  ['no digits', { ...VALID, raw_key_sha256: 'g'.repeat(64) }, '400 bad_request'],
  ['a line end after the digits', { ...VALID, raw_key_sha256: `${HASH}\n` }, '400 bad_request'],
  ['no life', { ...VALID, ...RAW, ttl: '0s' }, '400 bad_request'],
  ['a negative life', { ...VALID, ...RAW, ttl: '-1s' }, '400 bad_request'],
  ['half a second', { ...VALID, ...RAW, ttl: '0.5s' }, '400 bad_request'],
  ['more than a year', { ...VALID, ...RAW, ttl: '8761h' }, '400 bad_request'],
  ['101 scopes', { ...VALID, ...RAW, scopes: Array(101).fill('s') }, '400 bad_request'],
  ['an empty scope', { ...VALID, ...RAW, scopes: [''] }, '400 bad_request'],
  [
    '4097 bytes of metadata',
    { ...VALID, ...RAW, metadata: { a: 'x'.repeat(4090) } },
    '400 bad_request',
  ],
  [
    'no quota',
    { ...VALID, ...RAW, rate_limit_policy: { quota: 0, window: '1s' } },
    '400 bad_request',
  ],
  ['no range', { ...VALID, ...RAW, ip_restriction: { allowed_cidrs: ['x'] } }, '400 bad_request'],
  ['37 characters of id', { ...VALID, ...RAW, request_id: 'x'.repeat(37) }, '400 bad_request'],
  ['no object', 'text', '400 bad_request'],
  [
    'what looks issued',
    { ...VALID, raw_key: `ck_v1_${'2'.repeat(60)}_${'3'.repeat(11)}` },
    '409 conflict',
  ],
  [
    'what another server of ours issued',
    { ...VALID, raw_key: `ory_ak_v1_${'2'.repeat(64)}_${'3'.repeat(44)}` },
    '409 conflict',
  ],
  ['what looks like a JWT', { ...VALID, raw_key: 'eyJh.eyJz.AAAA' }, '409 failed_precondition'],
  ['what looks like a macaroon', { ...VALID, raw_key: 'mc_v1_AgEA' }, '409 failed_precondition'],
];

describe('an import is refused', () => {
  test.each(REFUSALS)('with %s', async (_, request, outcome) => {
    const keys = await countKeys();
    const events = await countEvents();
    expect(await outcomeOf(await attempt(request))).toBe(outcome);
    expect(await countKeys()).toBe(keys);
    expect(await countEvents()).toBe(events);
  });

  test('a second time, also when the key is revoked, and not after it was deleted', async () => {
    const rawKey = newRawKey();
    const again = async () => outcomeOf(await attempt({ ...VALID, raw_key: rawKey }));
    const { key_id: keyId } = await importKey({ raw_key: rawKey });
    expect(await again()).toBe('409 api_key_exists');
    await admin(`${IMPORTED}/${keyId}:revoke`, { body: {} });
    expect(await again()).toBe('409 api_key_exists');
    await admin(`${IMPORTED}/${keyId}`, { method: 'DELETE' });
    expect(await again()).toBe('201');
  });

  test('of a key of this very server', async () => {
    const { secret } = await issue();
    expect(await outcomeOf(await attempt({ ...VALID, raw_key: secret }))).toBe('409 conflict');
  });
});

describe('an import with a request_id', () => {
  test('is answered again with the same key, and makes no second event', async () => {
    const request = { ...VALID, raw_key: newRawKey(), request_id: crypto.randomUUID() };
    const first = await (await attempt(request)).json();
    const events = await countEvents();
    const second = await attempt(request);
    expect(second.status).toBe(201);
    expect(second.headers.get('location')).toBe(`${IMPORTED}/${first.key_id}`);
    expect(await second.json()).toEqual(first);
    expect(await countEvents()).toBe(events);
  });

  test('is the same request by its hash, and by any spelling', async () => {
    const [rawKey, id] = [newRawKey(), crypto.randomUUID()];
    const first = await importKey({ raw_key: rawKey, request_id: id });
    const hashed = { ...VALID, raw_key_sha256: await sha256Hex(rawKey), requestId: id };
    expect(await (await attempt(hashed)).json()).toEqual(first);
  });

  test.each([
    ['another raw key', { raw_key: 'another-raw-key-0123456789' }],
    ['another name', { name: 'other' }],
    ['another life', { ttl: '60s' }],
    ['another scope', { scopes: ['x'] }],
  ])('is refused with %s', async (_, change) => {
    const request = { ...VALID, raw_key: newRawKey(), request_id: crypto.randomUUID() };
    await attempt(request);
    expect(await outcomeOf(await attempt({ ...request, ...change }))).toBe('409 conflict');
  });

  test('has nothing to do with the same id for issuing', async () => {
    const id = crypto.randomUUID();
    await issue({ request_id: id });
    await importKey({ request_id: id });
  });

  test('does not bring back a key that was deleted since', async () => {
    const request = { ...VALID, raw_key: newRawKey(), request_id: crypto.randomUUID() };
    const { key_id: keyId } = await (await attempt(request)).json();
    await admin(`${IMPORTED}/${keyId}`, { method: 'DELETE' });
    expect(await outcomeOf(await attempt(request))).toBe('409 conflict');
    expect(await outcomeOf(await admin(`${IMPORTED}/${keyId}`))).toBe('404 api_key_not_found');
  });

  test('that is refused leaves the id free', async () => {
    const rawKey = newRawKey();
    await importKey({ raw_key: rawKey });
    const request = { ...VALID, raw_key: rawKey, request_id: crypto.randomUUID() };
    expect(await outcomeOf(await attempt(request))).toBe('409 api_key_exists');
    expect(await outcomeOf(await attempt({ ...request, raw_key: newRawKey() }))).toBe('201');
  });
});

describe('batchCreate', () => {
  const batch = (requests: unknown) => admin(BATCH, { body: { requests } });
  const CODE = 'BATCH_CREATE_IMPORTED_API_KEYS_ERROR_';
  const CODES: Readonly<Record<string, string>> = {
    '400 bad_request': 'INVALID_ARGUMENT',
    '409 conflict': 'ALREADY_EXISTS',
    '409 failed_precondition': 'FAILED_PRECONDITION',
  };

  test('says of each element what became of it', async () => {
    const taken = newRawKey();
    await importKey({ raw_key: taken });
    const twice = newRawKey();
    const requests = [
      { ...VALID, raw_key: newRawKey(), name: 'first' },
      { ...VALID, raw_key: taken },
      { ...VALID, raw_key: twice },
      { ...VALID, raw_key: twice },
      ...REFUSALS.map(([, request]) => request),
      { ...VALID, raw_key: newRawKey(), name: 'last' },
    ];
    const response = await batch(requests);
    expect(response.status).toBe(200);
    const { failure_count: failures, results, success_count: successes } = await response.json();
    const expected = [
      ...['', 'ALREADY_EXISTS', '', 'ALREADY_EXISTS'],
      ...REFUSALS.map(([, , outcome]) => CODES[outcome]),
      '',
    ];
    for (const [index, code] of expected.entries()) {
      const result = results[index];
      expect(result).toEqual(
        code === ''
          ? { index, imported_api_key: expect.objectContaining({ key_id: expect.any(String) }) }
          : { index, error_code: CODE + code, error_message: expect.stringMatching(/./) },
      );
    }
    expect(results).toHaveLength(requests.length);
    expect([successes, failures]).toEqual([3, requests.length - 3]);
    expect(results[0].imported_api_key.name).toBe('first');
    expect(results.at(-1).imported_api_key.name).toBe('last');
  });

  test.each(REFUSALS)('refuses %s when nothing else is asked for', async (_, request, outcome) => {
    const response = await batch([request, request]);
    const { error } = await response.clone().json();
    expect(await outcomeOf(response)).toBe(outcome);
    expect(error.message).toMatch(/^requests\.0: ./);
  });

  test('answers with the most frequent refusal when every one is refused', async () => {
    const [bad, looks] = [{}, { ...VALID, raw_key: 'mc_v1_AgEA' }];
    expect(await outcomeOf(await batch([bad, looks, looks]))).toBe('409 failed_precondition');
    expect(await outcomeOf(await batch([bad, bad, looks]))).toBe('400 bad_request');
    expect(await outcomeOf(await batch([looks, bad]))).toBe('400 bad_request');
  });

  test('of the same request twice answers the same keys', async () => {
    const requests = [1, 2, 3].map(() => ({
      ...{ ...VALID, raw_key: newRawKey(), request_id: crypto.randomUUID() },
    }));
    const first = await (await batch(requests)).json();
    const events = await countEvents();
    expect(await (await batch(requests)).json()).toEqual(first);
    expect(await countEvents()).toBe(events);
  });

  test('takes one request_id once', async () => {
    const id = crypto.randomUUID();
    const request = () => ({ ...VALID, raw_key: newRawKey(), request_id: id });
    const { results } = await (await batch([request(), request()])).json();
    expect(results.map((result: Record<string, unknown>) => result.error_code)).toEqual([
      undefined,
      `${CODE}ALREADY_EXISTS`,
    ]);
  });

  test('names the elements with weak keys', async () => {
    const requests = [newRawKey(), `w${Date.now()}`, newRawKey(), `v${Date.now()}`];
    const response = await batch(requests.map((rawKey) => ({ ...VALID, raw_key: rawKey })));
    expect(response.headers.get('cardea-warning')).toMatch(/ 1, 3$/);
  });

  test('takes a thousand keys of some size, each with one event', async () => {
    const events = await countEvents();
    const metadata = { text: 'x"\\é'.repeat(500) };
    const requests = Array.from({ length: 1000 }, () => ({
      ...{ ...VALID, raw_key: newRawKey(), request_id: crypto.randomUUID(), metadata },
    }));
    const response = await batch(requests);
    const { success_count: successes, results } = await response.json();
    expect(successes).toBe(1000);
    expect(results[999].imported_api_key.metadata).toEqual(metadata);
    expect(await countEvents()).toBe(events + 1000);
    expect(await verify(requests[500]?.raw_key ?? '')).toMatchObject({ is_valid: true });
  });

  test.each([
    ['no list', {}, '400 bad_request'],
    ['an empty list', { requests: [] }, '400 bad_request'],
    ['an object', { requests: {} }, '400 bad_request'],
    ['1001 elements', { requests: Array(1001).fill({}) }, '400 bad_request'],
    ['more than 4 MiB', `{"requests":["${'x'.repeat(4 * 1024 * 1024)}"]}`, '413 request_too_large'],
    ['no JSON', '{', '400 bad_request'],
  ])('refuses %s', async (_, body, outcome) => {
    expect(await outcomeOf(await admin(BATCH, { body }))).toBe(outcome);
  });

  test('has a larger body than other calls, which end at 1 MiB', async () => {
    const text = JSON.stringify({ ...VALID, raw_key: newRawKey() });
    const body = text.padEnd(1024 * 1024 + 1, ' ');
    expect(await outcomeOf(await admin(IMPORTED, { body }))).toBe('413 request_too_large');
    const alone = `{"requests":[${text}]}`.padEnd(1024 * 1024 + 1, ' ');
    expect(await outcomeOf(await admin(BATCH, { body: alone }))).toBe('200');
  });
});

describe('an imported key', () => {
  test('is listed among its kind alone, by pages and filters', async () => {
    const actor = crypto.randomUUID();
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.push((await importKey({ actor_id: actor })).key_id);
    await issue({ actor_id: actor });
    const filter = encodeURIComponent(`actor_id="${actor}"`);
    const seen: string[] = [];
    let token = '';
    do {
      const path = `${IMPORTED}?page_size=2&filter=${filter}&page_token=${token}`;
      const page = await (await admin(path)).json();
      expect(Object.keys(page)).toEqual(['imported_api_keys', 'next_page_token']);
      for (const { key_id: keyId } of page.imported_api_keys) seen.push(keyId);
      token = page.next_page_token;
    } while (token !== '');
    expect(seen).toEqual(ids.sort().reverse());
  });

  test('has a page token that lists nothing else', async () => {
    for (let i = 0; i < 2; i++) await importKey();
    const page = await (await admin(`${IMPORTED}?page_size=1`)).json();
    const other = `${ISSUED}?page_size=1&page_token=${page.next_page_token}`;
    expect(await outcomeOf(await admin(other))).toBe('400 bad_request');
  });

  test('revokes itself, and is revoked by either path', async () => {
    const rawKey = newRawKey();
    await importKey({ raw_key: rawKey });
    const selfRevoke = () =>
      anonymous('/v2alpha1/apiKeys:selfRevoke', { body: { credential: rawKey } });
    expect(await outcomeOf(await selfRevoke())).toBe('200');
    expect(await verify(rawKey)).toMatchObject({ error_code: 'VERIFICATION_ERROR_REVOKED' });
    expect(await outcomeOf(await selfRevoke())).toBe('200');
    for (const path of [IMPORTED, '/v2alpha1/admin/apiKeys']) {
      const { key_id: keyId } = await importKey();
      const revoke = () => admin(`${path}/${keyId}:revoke`, { body: {} });
      expect(await outcomeOf(await revoke())).toMatch(/^20[24]$/);
      expect(await outcomeOf(await revoke())).toBe('409 conflict');
      const key = await (await admin(`${IMPORTED}/${keyId}`)).json();
      expect(key).toMatchObject({
        status: 'KEY_STATUS_REVOKED',
        revocation_reason: 'REVOCATION_REASON_UNSPECIFIED',
      });
    }
  });

  test('is gone when it is deleted, and its tokens are cut off', async () => {
    const rawKey = newRawKey();
    const { key_id: keyId } = await importKey({ raw_key: rawKey });
    const derive = { body: { credential: rawKey } };
    const derived = await admin('/v2alpha1/admin/apiKeys:derive', derive);
    const { token } = (await derived.json()).token;
    expect(await verify(token)).toMatchObject({ is_valid: true, key_id: keyId });
    const remove = () => admin(`${IMPORTED}/${keyId}`, { method: 'DELETE' });
    const deleted = await remove();
    expect(await outcomeOf(deleted)).toMatch(/^20[24]$/);
    expect(deleted.headers.get('cardea-revocation')).toMatch(/^(acknowledged|accepted)$/);
    expect(await deleted.text()).toBe('');
    expect(await outcomeOf(await remove())).toBe('404 api_key_not_found');
    expect(await verify(rawKey)).toMatchObject({ error_code: 'VERIFICATION_ERROR_NOT_FOUND' });
    expect(await verify(token)).toMatchObject({ error_code: 'VERIFICATION_ERROR_REVOKED' });
  });

  const UNKNOWN = 'ab'.repeat(32);
  test.each([
    ['GET', ''],
    ['DELETE', ''],
    ['PATCH', '?update_mask=name'],
    ['POST', ':revoke'],
    ['POST', ':enable'],
    ['POST', ':disable'],
  ])(
    'is not found under %s %s by another id, another kind of id, or none',
    async (method, rest) => {
      const { issued_api_key: issued } = await issue();
      for (const id of [UNKNOWN, UNKNOWN.toUpperCase(), issued.key_id, 'x', `${UNKNOWN}0`]) {
        const body = method === 'POST' || method === 'PATCH' ? { body: {} } : {};
        const answer = await admin(`${IMPORTED}/${id}${rest}`, { method, ...body });
        expect([id, await outcomeOf(answer)]).toEqual([id, '404 api_key_not_found']);
      }
    },
  );

  test('is not an issued one', async () => {
    const { key_id: keyId } = await importKey();
    for (const [method, rest] of [
      ['GET', ''],
      ['PATCH', '?update_mask=name'],
      ['POST', ':revoke'],
      ['POST', ':rotate'],
      ['POST', ':enable'],
      ['POST', ':disable'],
    ] as const) {
      const body = method === 'GET' ? {} : { body: {} };
      const answer = await admin(`${ISSUED}/${keyId}${rest}`, { method, ...body });
      expect(await outcomeOf(answer)).toBe('404 api_key_not_found');
    }
    expect(await outcomeOf(await admin(`${IMPORTED}/${keyId}`))).toBe('200');
  });
});
