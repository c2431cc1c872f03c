/** Guarantee: on Node a wrong environment is refused as a whole, by names, and no value is shown. */

import { generateKeyPairSync } from 'node:crypto';
import { resolve } from 'node:path';
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { parseNodeConfig } from './config.node.ts';
import { ConfigInvalid } from './config-source.ts';

const VALID = {
  CARDEA_SECRET: 'not-random-but-long-enough-0123456789',
  ADMIN_TOKEN_SHA256: 'ab'.repeat(32),
  FEED_SIGNING_KEY: JSON.stringify(
    generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }),
  ),
  ENVIRONMENT_ID: 'test',
  ISSUER: 'https://auth.example',
};

const KV = { KV_NAMESPACE_ID: 'a'.repeat(32), KV_API_TOKEN: 't' };
const ACCOUNT = { KV_ACCOUNT_ID: 'b'.repeat(32) };

function problemsOf(env: object): readonly string[] {
  try {
    parseNodeConfig(env);
  } catch (error) {
    if (error instanceof ConfigInvalid) return error.problems;
    throw error;
  }
  return [];
}

test('has the documented defaults: the loopback address, an embedded database, no proxies', () => {
  const config = parseNodeConfig(VALID);
  expect(config).toMatchObject({
    surface: 'all',
    listen: { host: '127.0.0.1', port: 4420 },
    database: { kind: 'pglite', folder: resolve('.cardea/pglite') },
    trustedProxyHops: 0,
  });
  expect([config.listenMetrics, config.kv]).toEqual([undefined, undefined]);
});

test('takes what is set', () => {
  const config = parseNodeConfig({
    ...{ ...VALID, ...KV, ...ACCOUNT },
    SURFACE: 'public',
    CONTROL_PLANE_HOST: '0.0.0.0',
    CONTROL_PLANE_PORT: '0',
    METRICS_PORT: '4422',
    DATABASE_URL: 'postgresql://cardea:secret@db.example:5432/cardea?sslmode=require',
    DATABASE_CONNECTIONS_MAX: '3',
    TRUSTED_PROXY_HOPS: '2',
  });
  expect(config).toMatchObject({
    surface: 'public',
    listen: { host: '0.0.0.0', port: 0 },
    listenMetrics: { host: '127.0.0.1', port: 4422 },
    database: { kind: 'postgres', connectionsMax: 3 },
    kv: {
      baseUrl: `https://api.cloudflare.com/client/v4/accounts/${ACCOUNT.KV_ACCOUNT_ID}`,
      namespaceId: KV.KV_NAMESPACE_ID,
    },
    trustedProxyHops: 2,
  });
});

test.each([
  [{ CARDEA_STATE_FOLDER: '/state' }, '/state/pglite'],
  [{ PGLITE_FOLDER: '/data' }, '/data'],
  [{ PGLITE_FOLDER: '/data', CARDEA_STATE_FOLDER: '/state' }, '/data'],
  [{ DATABASE_URL: '', CARDEA_STATE_FOLDER: '/state' }, '/state/pglite'],
])('%j: the embedded database is in %s', (settings, folder) => {
  expect(parseNodeConfig({ ...VALID, ...settings }).database).toEqual({ kind: 'pglite', folder });
});

test('another server of the same API may be named instead of an account', () => {
  const KV_API_URL = 'http://127.0.0.1:8787/cdn-cgi/local/explorer/api/';
  expect(parseNodeConfig({ ...VALID, ...KV, KV_API_URL }).kv?.baseUrl).toBe(
    'http://127.0.0.1:8787/cdn-cgi/local/explorer/api',
  );
});

const URL_RULE = 'must be a URL that starts with postgres://';
const HTTP_RULE = 'must be an http(s) URL without query or fragment';
const HEX_RULE = 'must be 32 lowercase hexadecimal digits';

test.each([
  [{ SURFACE: 'both' }, ['SURFACE: must be one of all, admin, public']],
  [{ CONTROL_PLANE_PORT: '65536' }, ['CONTROL_PLANE_PORT: must be an integer from 0 to 65535']],
  [{ CONTROL_PLANE_PORT: '80.5' }, ['CONTROL_PLANE_PORT: must be an integer from 0 to 65535']],
  [{ METRICS_PORT: 'on' }, ['METRICS_PORT: must be an integer from 0 to 65535']],
  [{ DATABASE_URL: 'db.example/cardea' }, [`DATABASE_URL: ${URL_RULE}`]],
  [{ DATABASE_URL: 'mysql://db.example/cardea' }, [`DATABASE_URL: ${URL_RULE}`]],
  [
    { DATABASE_CONNECTIONS_MAX: '0' },
    ['DATABASE_CONNECTIONS_MAX: must be an integer from 1 to 1000'],
  ],
  [{ TRUSTED_PROXY_HOPS: '-1' }, ['TRUSTED_PROXY_HOPS: must be an integer from 0 to 16']],
  [{ TRUSTED_PROXY_HOPS: 'true' }, ['TRUSTED_PROXY_HOPS: must be an integer from 0 to 16']],
  [{ ...KV }, ['KV_ACCOUNT_ID: missing']],
  [{ ...ACCOUNT }, ['KV_NAMESPACE_ID: missing', 'KV_API_TOKEN: missing']],
  [{ KV_API_TOKEN: 't', ...ACCOUNT }, ['KV_NAMESPACE_ID: missing']],
  [{ ...KV, ...ACCOUNT, KV_NAMESPACE_ID: '../x' }, [`KV_NAMESPACE_ID: ${HEX_RULE}`]],
  [{ ...KV, KV_ACCOUNT_ID: 'me' }, [`KV_ACCOUNT_ID: ${HEX_RULE}`]],
  [{ ...KV, KV_API_URL: 'file:///etc' }, [`KV_API_URL: ${HTTP_RULE}`]],
  [{ ...KV, KV_API_URL: 'https://a/?b' }, [`KV_API_URL: ${HTTP_RULE}`]],
])('refuses %j', (settings, problems) => {
  expect(problemsOf({ ...VALID, ...settings })).toEqual(problems);
});

test('names every problem at once, those of both runtimes together', () => {
  expect(problemsOf({ TRUSTED_PROXY_HOPS: 'x', DATABASE_URL: 'x', KV_API_URL: 'x' })).toEqual([
    'ISSUER: missing',
    'CARDEA_SECRET: missing',
    'ADMIN_TOKEN_SHA256: missing',
    'FEED_SIGNING_KEY: missing',
    'ENVIRONMENT_ID: missing',
    `DATABASE_URL: ${URL_RULE}`,
    'KV_NAMESPACE_ID: missing',
    'KV_API_TOKEN: missing',
    `KV_API_URL: ${HTTP_RULE}`,
    'TRUSTED_PROXY_HOPS: must be an integer from 0 to 16',
  ]);
});

test('never prints a value, neither of a good configuration nor of a bad one', () => {
  const canary = 'canary-77e2';
  const good = {
    ...{ ...VALID, ...ACCOUNT },
    DATABASE_URL: `postgres://u:${canary}@h/d`,
    ...{ ...KV, KV_API_TOKEN: canary },
  };
  const config = parseNodeConfig(good);
  for (const text of [inspect(config, { depth: 9 }), JSON.stringify(config)]) {
    expect(text).toContain('https://auth.example'); // The control: what is no secret is shown.
    expect(text).not.toContain(canary);
  }
  const bad = Object.fromEntries(Object.keys(good).map((name) => [name, `${canary} ?#`]));
  const problems = problemsOf(bad);
  expect(problems.length).toBeGreaterThan(5);
  expect(problems.join()).not.toContain(canary);
});
