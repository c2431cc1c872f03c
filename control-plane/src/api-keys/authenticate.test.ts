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
import type { ApiKeyStore } from './store.ts';

const TENANT = {
  tenantId: '7d0c5e1b-93a4-4f68-8a52-c1e6b7f20d39',
  apiKeyPrefix: 'ck',
  publicApiKeyPrefix: 'ckp',
  retiredApiKeyPrefixes: ['old'],
} as unknown as Tenant; // Of a tenant, only the id and the prefixes matter here.
const NOW = unixMilliseconds(1_800_000_000_000);

const keysOf = (...secrets: [string, ...string[]]) => {
  const [current, ...retired] = secrets;
  return deriveMasterKeys({
    secrets: [new Secret(current), ...retired.map((secret) => new Secret(secret))],
  });
};
const keys = await keysOf('current');

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
  const deps = { keys, apiKeys };
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
    const rotated = { keys: await keysOf('next', 'current'), apiKeys: store };
    expect((await proveApiKey(rotated, text, TENANT)).ok).toBe(true);
    const forgotten = { ...rotated, keys: await keysOf('next') };
    expect((await proveApiKey(forgotten, text, TENANT)).ok).toBe(false);
  });

  test('costs no read of the database with any one character changed', async () => {
    for (let i = 0; i < text.length; i++) {
      const { store, reads } = storeWith({ keyId }, secretHash);
      const other = text[i] === 'z' ? 'y' : 'z';
      const refused = await outcome(text.slice(0, i) + other + text.slice(i + 1), store);
      expect(refused).toMatch(/^api_key_(malformed|unknown)$/);
      expect(reads).toEqual([]);
    }
  });
});

test('garbage costs no read of the database', async () => {
  const { store, reads } = storeWith();
  const base58 = fc.string({
    unit: fc.constantFrom(...'123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'),
    minLength: 8,
    maxLength: 66,
  });
  const shaped = fc.tuple(fc.constantFrom('ck', 'ckp', 'x'), base58, base58);
  const text = fc.oneof(
    fc.string({ maxLength: 200 }),
    shaped.map(([prefix, identifier, checksum]) => `${prefix}_v1_${identifier}_${checksum}`),
  );
  await fc.assert(
    fc.asyncProperty(text, async (credential) => {
      expect(await outcome(credential, store)).not.toBe('accepted');
    }),
    { numRuns: 3000 },
  );
  expect(reads).toEqual([]);
});

test.each([
  ['a JWT', 'eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ4In0.AAAA'],
  ['a macaroon', 'mc_v1_AgEA'],
])('%s is no API key', async (_, text) => {
  const { store, reads } = storeWith();
  expect(await outcome(text, store)).toBe('token_type_unsupported');
  expect(reads).toEqual([]);
});
