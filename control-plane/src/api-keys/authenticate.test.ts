import { createHash, createHmac } from 'node:crypto';
import { importHmacKey } from '@cardea/shared/crypto/hmac';
import { randomBytes } from '@cardea/shared/crypto/random';
import { unixMilliseconds } from '@cardea/shared/time';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { deriveMasterKeys } from '../master-keys.ts';
import { Secret } from '../secret.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type { ApiKey } from './api-key.ts';
import { authenticateApiKey, proveApiKey } from './authenticate.ts';
import { generateApiKey } from './generate-api-key.ts';
import { importedKeyId, rawKeyHashOf } from './imported-key-id.ts';
import type { ApiKeyStore } from './store.ts';

const TENANT = {
  tenantId: '7d0c5e1b-93a4-4f68-8a52-c1e6b7f20d39',
  apiKeyPrefix: 'ck',
  publicApiKeyPrefix: 'ckp',
  retiredApiKeyPrefixes: ['old'],
} as unknown as Tenant; // Of a tenant, only the id and the prefixes matter here.
const IMPORTED_ID = /^[0-9a-f]{64}$/;
const NOW = unixMilliseconds(1_800_000_000_000);

const keysOf = (...secrets: [string, ...string[]]) => {
  const [current, ...retired] = secrets;
  return deriveMasterKeys({
    secrets: [new Secret(current), ...retired.map((secret) => new Secret(secret))],
  });
};
const keys = await keysOf('current');

const pepper = await importHmacKey(randomBytes(32));
const importPepper = async () => pepper;

/** A store that knows one key, and counts how often it is asked. */
function storeWith(key?: Partial<ApiKey>, secretHash = '') {
  const reads: string[] = [];
  const find: ApiKeyStore['find'] = async (tenantId, keyId) => {
    reads.push(keyId);
    if (key?.keyId !== keyId || tenantId !== TENANT.tenantId) return undefined;
    return { key: { ...LIVE, ...key }, secretHash, now: NOW };
  };
  // Authentication only reads: any other method would be a bug, and a TypeError.
  return { store: { find } as ApiKeyStore, reads };
}

const LIVE: ApiKey = {
  tenantId: TENANT.tenantId,
  keyId: '',
  kind: 'issued',
  name: 'n',
  actorId: 'a',
  scopes: [],
  state: 'active',
  visibility: 'secret',
  createTime: NOW,
  updateTime: NOW,
  revision: 1,
};

async function outcome(text: string, apiKeys: ApiKeyStore, clientAddress?: string) {
  const deps = { keys, importPepper, apiKeys };
  const result = await authenticateApiKey(deps, text, { tenant: TENANT, clientAddress });
  return result.ok ? 'accepted' : result.refusal.reason;
}

describe('a genuine key', async () => {
  const generated = await generateApiKey({ keys, randomBytes }, TENANT, 'secret');
  const { keyId, text, secretHash } = generated;
  const before = unixMilliseconds(NOW - 1);
  const after = unixMilliseconds(NOW + 1);
  const bound = ['10.0.0.0/8'];

  test.each([
    ['accepted', {}, undefined],
    ['accepted', { expireTime: after }, undefined],
    ['api_key_expired', { expireTime: NOW }, undefined],
    ['api_key_expired', { expireTime: before, allowedCidrs: bound }, undefined],
    ['api_key_revoked', { state: 'revoked' }, undefined],
    ['api_key_revoked', { state: 'revoked', expireTime: before }, undefined],
    ['api_key_revoked', { overlapEndTime: NOW }, undefined],
    ['accepted', { overlapEndTime: after }, undefined],
    ['api_key_disabled', { disableTime: before }, undefined],
    ['api_key_disabled', { disableTime: before, allowedCidrs: bound }, undefined],
    ['api_key_expired', { disableTime: before, expireTime: before }, undefined],
    ['api_key_revoked', { disableTime: before, state: 'revoked' }, undefined],
    ['accepted', { allowedCidrs: bound }, '10.1.1.1'],
    ['ip_not_allowed', { allowedCidrs: bound }, '11.1.1.1'],
    ['ip_not_allowed', { allowedCidrs: bound }, undefined],
    ['ip_not_allowed', { allowedCidrs: bound }, 'garbage'],
    ['ip_not_allowed', { allowedCidrs: ['garbage'] }, '10.1.1.1'],
    ['api_key_unknown', { kind: 'imported' }, undefined],
  ] as const)('is %s with %j from %s', async (expected, key, address) => {
    const { store, reads } = storeWith({ ...key, keyId }, secretHash);
    expect(await outcome(text, store, address)).toBe(expected);
    expect(reads).toEqual([keyId]);
  });

  test('is unknown without its row, with the hash of another, and with a broken hash', async () => {
    expect(await outcome(text, storeWith().store)).toBe('api_key_unknown');
    for (const hash of ['', 'zz', '00'.repeat(32), secretHash.toUpperCase()]) {
      expect(await outcome(text, storeWith({ keyId }, hash).store)).toBe('api_key_unknown');
    }
  });

  test('outlives a rotation of the master secret, as long as the old one is kept', async () => {
    const { store } = storeWith({ keyId }, secretHash);
    const rotated = { keys: await keysOf('next', 'current'), importPepper, apiKeys: store };
    expect((await proveApiKey(rotated, text, TENANT)).ok).toBe(true);
    const forgotten = { ...rotated, keys: await keysOf('next') };
    expect((await proveApiKey(forgotten, text, TENANT)).ok).toBe(false);
  });

  test('is never looked up with any one character changed', async () => {
    for (let i = 0; i < text.length; i++) {
      const { store, reads } = storeWith({ keyId }, secretHash);
      const other = text[i] === 'z' ? 'y' : 'z';
      const refused = await outcome(text.slice(0, i) + other + text.slice(i + 1), store);
      expect(refused).toMatch(/^api_key_(malformed|unknown)$/);
      // Without its `_v1_` it is no issued key any more: it could be an imported one.
      expect(reads.filter((id) => !IMPORTED_ID.test(id))).toEqual([]);
      if (/_v1_.*_/.test(text.slice(0, i) + other)) expect(reads).toEqual([]);
    }
  });
});

test('garbage of the issued form costs no read of the database', async () => {
  const { store, reads } = storeWith();
  const base58 = (minLength: number) =>
    fc.string({
      unit: fc.constantFrom(...'123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'),
      minLength,
      maxLength: 66,
    });
  const shaped = fc.tuple(fc.constantFrom('ck', 'ckp', 'old', 'x'), base58(20), base58(8));
  await fc.assert(
    fc.asyncProperty(shaped, async ([prefix, identifier, checksum]) => {
      const text = `${prefix}_v1_${identifier}_${checksum}`;
      expect(await outcome(text, store)).toBe('api_key_malformed');
    }),
    { numRuns: 2000 },
  );
  expect(reads).toEqual([]);
});

test('any other text is looked up once, as an imported key, under a hash of its own', async () => {
  const { store, reads } = storeWith();
  const texts = new Set<string>();
  await fc.assert(
    fc.asyncProperty(fc.string({ maxLength: 200 }), async (text) => {
      texts.add(text);
      expect(await outcome(text, store)).toBe('api_key_unknown');
      expect(reads.at(-1)).toMatch(IMPORTED_ID);
    }),
    { numRuns: 1000 },
  );
  expect(new Set(reads).size).toBe(texts.size);
});

describe('an imported key', async () => {
  const RAW = 'another-system_4f1c9e';
  const keyId = await importedKeyId(pepper, TENANT.tenantId, await rawKeyHashOf(RAW));

  test.each([
    ['accepted', {}],
    ['api_key_revoked', { state: 'revoked' }],
    ['api_key_expired', { expireTime: NOW }],
    ['api_key_disabled', { disableTime: NOW }],
    ['ip_not_allowed', { allowedCidrs: ['10.0.0.0/8'] }],
    ['api_key_unknown', { kind: 'issued' }],
    ['api_key_unknown', { keyId: 'ab'.repeat(32) }],
  ] as const)('is %s with %j', async (expected, key) => {
    const { store, reads } = storeWith({ kind: 'imported', keyId, ...key });
    expect(await outcome(RAW, store)).toBe(expected);
    expect(reads).toEqual([keyId]);
  });

  test('is known by HMAC(pepper, tenant id, 0, SHA-256 of the key), as Node computes it', async () => {
    const raw = Buffer.alloc(32, 7);
    const rawKeyHash = createHash('sha256').update(RAW).digest();
    const message = Buffer.concat([Buffer.from(`${TENANT.tenantId}\0`), rawKeyHash]);
    const expected = createHmac('sha256', raw).update(message).digest('hex');
    const key = await importHmacKey(Uint8Array.from(raw));
    expect(await importedKeyId(key, TENANT.tenantId, await rawKeyHashOf(RAW))).toBe(expected);
  });

  test.each([
    ['another text', `${RAW} `, TENANT.tenantId],
    ['another tenant', RAW, '7d0c5e1b-93a4-4f68-8a52-c1e6b7f20d38'],
  ])('has another id for %s', async (_, text, tenantId) => {
    expect(await importedKeyId(pepper, tenantId, await rawKeyHashOf(text))).not.toBe(keyId);
  });
});

test.each([
  ['a JWT', 'eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ4In0.AAAA'],
  ['a macaroon', 'mc_v1_AgEA'],
])('%s is no API key', async (_, text) => {
  const { store, reads } = storeWith();
  expect(await outcome(text, store)).toBe('token_type_unsupported');
  expect(reads).toEqual([]);
});
