import { generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { PREFIX_RULE } from './api-keys/prefixes.ts';
import { parseConfig, readConfig } from './config.workers.ts';
import { ConfigInvalid } from './config-source.ts';
import { ISSUER_RULE } from './tenants/issuer.ts';

const feedKey = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
const SECRET = 'not-random-but-long-enough-0123456789';

const VALID = {
  CARDEA_SECRET: SECRET,
  ADMIN_TOKEN_SHA256: 'ab'.repeat(32),
  FEED_SIGNING_KEY: JSON.stringify(feedKey),
  ENVIRONMENT_ID: 'test',
  ISSUER: 'https://auth.example',
  DB: {},
  FEED: {},
  HUB: {},
  ATTEMPTS: {},
  LIMITS: {},
};

function problemsOf(env: object): readonly string[] {
  try {
    parseConfig(env);
  } catch (error) {
    if (error instanceof ConfigInvalid) return error.problems;
    throw error;
  }
  return [];
}

describe('configuration', () => {
  test('has the documented defaults', () => {
    expect(parseConfig(VALID)).toMatchObject({
      environmentId: 'test',
      issuer: 'https://auth.example',
      audience: 'https://auth.example',
      apiKeyPrefix: 'ck',
      publicApiKeyPrefix: 'ckp',
      apiKeyTtlDefaultSeconds: 7_776_000,
      apiKeyTtlMaxSeconds: 31_536_000,
      derivedTokenTtlDefaultSeconds: 3600,
      derivedTokenTtlMaxSeconds: 86_400,
      feedHardSeconds: 120,
      feedHeartbeatSeconds: 30,
      clockSkewSeconds: 60,
      exchangeFailuresPerMinute: 30,
      keyRetentionDays: 30,
      auditRetentionDays: 400,
      unknownHost: 'default_tenant',
      statusOnlyFilter: 'allow',
      defaultTenantHosts: ['auth.example'],
    });
  });

  test('the hosts of the default tenant are the one of its issuer and those that are named', () => {
    const hosts = { DEFAULT_TENANT_HOSTS: 'Keys.Example.:443, auth.example,[::1]' };
    expect(parseConfig({ ...VALID, ...hosts }).defaultTenantHosts).toEqual([
      ...['auth.example', 'keys.example', '[::1]'],
    ]);
  });

  test.each([
    ['a quarter of a short bound', { FEED_HARD_SECONDS: 8 }, 2],
    ['never more than 30 s by itself', { FEED_HARD_SECONDS: 86_400 }, 30],
    ['what is set', { FEED_HARD_SECONDS: 300, FEED_HEARTBEAT_SECONDS: 120 }, 120],
  ])('the heartbeat is %s', (_, settings, seconds) => {
    expect(parseConfig({ ...VALID, ...settings }).feedHeartbeatSeconds).toBe(seconds);
  });

  test('objects wait for KV to forget that they were missing, unless nothing remembers', () => {
    const secondsWith = (settings: Record<string, unknown>) =>
      parseConfig({ ...VALID, ...settings }).feedObjectArrivalSeconds;
    expect(secondsWith({})).toBe(120);
    expect(secondsWith({ FEED_OBJECT_ARRIVAL_SECONDS: '0' })).toBe(0);
    expect(problemsOf({ ...VALID, FEED_OBJECT_ARRIVAL_SECONDS: 121 })).toEqual([
      'FEED_OBJECT_ARRIVAL_SECONDS: must be an integer from 0 to 120',
    ]);
  });

  test('a heartbeat must leave room for one that is lost', () => {
    const settings = { FEED_HARD_SECONDS: 300, FEED_HEARTBEAT_SECONDS: 151 };
    expect(problemsOf({ ...VALID, ...settings })).toEqual([
      'FEED_HEARTBEAT_SECONDS: must be an integer from 1 to 150',
    ]);
  });

  test('takes what is set, texts and TOML numbers alike', () => {
    const config = parseConfig({
      ...VALID,
      CARDEA_SECRET_RETIRED: `${'a'.repeat(32)}, ${'b'.repeat(32)}`,
      AUDIENCE: 'api',
      FEED_HARD_SECONDS: 10,
      CLOCK_SKEW_SECONDS: '0',
    });
    expect(config.secrets.map((secret) => secret.reveal())).toEqual([
      SECRET,
      'a'.repeat(32),
      'b'.repeat(32),
    ]);
    expect(config).toMatchObject({ audience: 'api', feedHardSeconds: 10, clockSkewSeconds: 0 });
    expect(config.adminTokenSha256).toEqual(new Uint8Array(32).fill(0xab));
    expect(config.feedSigningKey.reveal()).toEqual(feedKey);
  });

  test('names every problem at once', () => {
    expect(problemsOf({})).toEqual([
      'ISSUER: missing',
      'CARDEA_SECRET: missing',
      'ADMIN_TOKEN_SHA256: missing',
      'FEED_SIGNING_KEY: missing',
      'ENVIRONMENT_ID: missing',
      'DB: binding missing',
      'FEED: binding missing',
      'HUB: binding missing',
      'ATTEMPTS: binding missing',
      'LIMITS: binding missing',
    ]);
  });

  test.each([
    ['CARDEA_SECRET', 'x'.repeat(31), 'must have at least 32 characters'],
    ['CARDEA_SECRET', '', 'missing'],
    ['CARDEA_SECRET_RETIRED', `${'x'.repeat(32)},short`, 'each must have at least 32 characters'],
    ['ADMIN_TOKEN_SHA256', 'AB'.repeat(32), 'must be 64 lowercase hexadecimal digits, or disabled'],
    ['ADMIN_TOKEN_SHA256', 'ab'.repeat(31), 'must be 64 lowercase hexadecimal digits, or disabled'],
    ['FEED_SIGNING_KEY', '{', 'must be a private Ed25519 JWK (RFC 8037)'],
    ['FEED_SIGNING_KEY', 'null', 'must be a private Ed25519 JWK (RFC 8037)'],
    [
      'FEED_SIGNING_KEY',
      JSON.stringify({ ...feedKey, d: undefined }),
      'must be a private Ed25519 JWK (RFC 8037)',
    ],
    [
      'FEED_SIGNING_KEY',
      JSON.stringify({ ...feedKey, crv: 'X25519' }),
      'must be a private Ed25519 JWK (RFC 8037)',
    ],
    ['ENVIRONMENT_ID', 'a b', 'must be 1 to 64 of A–Z a–z 0–9 . _ -'],
    ['ENVIRONMENT_ID', 'x'.repeat(65), 'must be 1 to 64 of A–Z a–z 0–9 . _ -'],
    ['ISSUER', 'auth.example', `must be ${ISSUER_RULE}`],
    ['ISSUER', 'ftp://auth.example', `must be ${ISSUER_RULE}`],
    ['ISSUER', 'https://auth.example/?a', `must be ${ISSUER_RULE}`],
    ['ISSUER', 'https://auth.example#', `must be ${ISSUER_RULE}`],
    ['ISSUER', 'https://me:secret@auth.example', `must be ${ISSUER_RULE}`],
    ['API_KEY_PREFIX', 'a-b', `must be ${PREFIX_RULE}`],
    ['API_KEY_PREFIX', 'x'.repeat(17), `must be ${PREFIX_RULE}`],
    ['API_KEY_PREFIX', 'cardea_admin', `must be ${PREFIX_RULE}`],
    ['PUBLIC_API_KEY_PREFIX', 'mc', `must be ${PREFIX_RULE}`],
    ['API_KEY_PREFIXES_RETIRED', 'old, mc', `each must be ${PREFIX_RULE}`],
    ['UNKNOWN_HOST', 'deny', 'must be one of default_tenant, refuse'],
    ['STATUS_ONLY_FILTER', 'deny', 'must be one of allow, refuse'],
    ['DEFAULT_TENANT_HOSTS', 'a.example, *.example', 'each must be a host name or an address'],
    ['PUBLIC_API_KEY_PREFIX', 'ck', 'must differ from API_KEY_PREFIX'],
    ['API_KEY_TTL_DEFAULT_SECONDS', '0', 'must be an integer from 1 to 315360000'],
    ['API_KEY_TTL_DEFAULT_SECONDS', '31536001', 'must not exceed API_KEY_TTL_MAX_SECONDS'],
    ['DERIVED_TOKEN_TTL_MAX_SECONDS', '10', ''],
    ['FEED_HARD_SECONDS', '7', 'must be an integer from 8 to 86400'],
    ['FEED_HARD_SECONDS', '120.5', 'must be an integer from 8 to 86400'],
    ['FEED_HARD_SECONDS', '1e2', 'must be an integer from 8 to 86400'],
    ['CLOCK_SKEW_SECONDS', '61', 'must be an integer from 0 to 60'],
    ['CLOCK_SKEW_SECONDS', '-1', 'must be an integer from 0 to 60'],
    ['EXCHANGE_FAILURES_PER_MINUTE', 'many', 'must be an integer from 1 to 100000'],
    ['KEY_RETENTION_DAYS', '0', 'must be an integer from 1 to 3650'],
    ['AUDIT_RETENTION_DAYS', '3651', 'must be an integer from 1 to 3650'],
    ['DB', undefined, 'binding missing'],
    ['AUDIENCE', true, 'not a text'],
  ])('refuses %s = %j', (name, value, rule) => {
    const expected =
      name === 'DERIVED_TOKEN_TTL_MAX_SECONDS'
        ? 'DERIVED_TOKEN_TTL_DEFAULT_SECONDS: must not exceed DERIVED_TOKEN_TTL_MAX_SECONDS'
        : `${name}: ${rule}`;
    expect(problemsOf({ ...VALID, [name]: value })).toEqual([expected]);
  });

  test('never prints a value, neither of a good configuration nor of a bad one', () => {
    const canary = 'canary-77e2';
    const env = { ...VALID, CARDEA_SECRET: canary.repeat(4), FEED_SIGNING_KEY: `{"d":"${canary}` };
    const bad = Object.fromEntries(Object.keys(VALID).map((name) => [name, `${canary} ?#`]));
    for (const problems of [problemsOf(env), problemsOf(bad)]) {
      expect(problems.length).toBeGreaterThan(0);
      expect(problems.join()).not.toContain(canary);
    }
    const config = parseConfig({ ...VALID, CARDEA_SECRET: canary.repeat(4) });
    const { d } = feedKey;
    for (const text of [inspect(config, { depth: 9 }), JSON.stringify(config)]) {
      expect(text).not.toContain(canary);
      expect(text).not.toContain(d);
    }
  });

  test('is parsed once for each environment', () => {
    const env = { ...VALID };
    expect(readConfig(env)).toBe(readConfig(env));
    expect(readConfig({ ...VALID })).not.toBe(readConfig(env));
  });
});
