/** POST /oauth2/token against RFC 6749 §2.3.1, §4.4, §5.1 and §5.2, over the whole worker. */

import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, test } from 'vitest';
import { admin, anonymous, ISSUED, issue } from '../../../testing/api.ts';
import { publish } from '../../../testing/hub.ts';
import { readConfig } from '../../config.workers.ts';
import { deriveMasterKeys } from '../../master-keys.ts';
import { StoreUnavailable } from '../../store-unavailable.ts';
import { defaultTenant } from '../../tenants/tenant.ts';
import { tokenRoute } from './token.ts';

const FORM = 'application/x-www-form-urlencoded';
let address = 1;
let key: { secret: string; issued_api_key: { key_id: string } };

/** A new client address each time, so that failures of one test do not count for another. */
function exchange(body: string | Record<string, string>, headers: Record<string, string> = {}) {
  const text = typeof body === 'string' ? body : String(new URLSearchParams(body));
  const sender = { 'cf-connecting-ip': `192.0.2.${address++}`, 'Content-Type': FORM };
  return anonymous('/oauth2/token', {
    method: 'POST',
    headers: { ...sender, ...headers },
    body: text,
  });
}

const GRANT = { grant_type: 'client_credentials' };
const basic = (id: string, secret: string) => ({
  Authorization: `Basic ${btoa(`${id}:${secret}`)}`,
});
const claimsOf = (token: string) =>
  JSON.parse(atob((token.split('.')[1] ?? '').replace(/[-_]/g, (c) => (c === '-' ? '+' : '/'))));
const errorOf = async (response: Response) => `${response.status} ${(await response.json()).error}`;

beforeAll(async () => {
  await publish();
  key = await issue({ scopes: ['notes:read', 'notes:write'], metadata: { plan: 'x' } });
});

describe('an exchange', () => {
  test('answers as RFC 6749 §5.1 asks, and nothing may keep the answer', async () => {
    const response = await exchange({ ...GRANT, client_secret: key.secret, scope: 'notes:read' });
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('pragma')).toBe('no-cache');
    const answer = await response.json();
    expect(answer).toEqual({
      access_token: expect.stringMatching(/^eyJ[\w-]+\.[\w-]+\.[\w-]+$/),
      token_type: 'Bearer',
      expires_in: 3600,
      scope: 'notes:read',
    });
    expect(claimsOf(answer.access_token)).toMatchObject({
      sub: key.issued_api_key.key_id,
      iss: env.ISSUER,
      aud: env.AUDIENCE,
      act: 'alice',
      scp: ['notes:read'],
      meta: { plan: 'x' },
    });
  });

  test.each([
    ['with the secret in the body', () => [{ client_secret: key.secret }, {}]],
    ['with Basic and no name', () => [{}, basic('', key.secret)]],
    ['with Basic and the key id', () => [{}, basic(key.issued_api_key.key_id, key.secret)]],
    [
      'with the key id in the body',
      () => [{ client_secret: key.secret, client_id: key.issued_api_key.key_id }, {}],
    ],
    ['with an empty client_id', () => [{ client_secret: key.secret, client_id: '' }, {}]],
  ])('works %s', async (_, presented) => {
    const [body, headers] = presented();
    const response = await exchange({ ...GRANT, ...body }, headers);
    expect(response.status).toBe(200);
    expect((await response.json()).scope).toBe('notes:read notes:write');
  });

  test('gives the lifetime that is asked for', async () => {
    const response = await exchange({ ...GRANT, client_secret: key.secret, expires_in: '60' });
    const { access_token: token, expires_in: lifetime } = await response.json();
    expect(lifetime).toBe(60);
    expect(claimsOf(token).exp - claimsOf(token).iat).toBe(60);
  });

  test('of a key that ends soon gives a token that ends no later', async () => {
    const { secret } = await issue({ ttl: '100s' });
    const answer = await (await exchange({ ...GRANT, client_secret: secret })).json();
    expect(answer.expires_in).toBeLessThanOrEqual(100);
    expect(answer).not.toHaveProperty('scope');
    const asked = await exchange({ ...GRANT, client_secret: secret, expires_in: '101' });
    expect(await errorOf(asked)).toBe('400 invalid_request');
  });
});

describe('an exchange is refused', () => {
  test.each([
    [
      'of JSON',
      async () => exchange('{}', { 'Content-Type': 'application/json' }),
      '400 invalid_request',
    ],
    [
      'without grant_type',
      async () => exchange({ client_secret: key.secret }),
      '400 invalid_request',
    ],
    [
      'with another grant',
      async () => exchange({ grant_type: 'password', client_secret: key.secret }),
      '400 unsupported_grant_type',
    ],
    [
      'with a parameter twice',
      async () =>
        exchange(`grant_type=client_credentials&client_secret=${key.secret}&scope=a&scope=a`),
      '400 invalid_request',
    ],
    [
      'in two ways at once',
      async () => exchange({ ...GRANT, client_secret: key.secret }, basic('', key.secret)),
      '400 invalid_request',
    ],
    ['without a secret', async () => exchange(GRANT), '401 invalid_client'],
    [
      'with a bearer token',
      async () => exchange(GRANT, { Authorization: `Bearer ${key.secret}` }),
      '401 invalid_client',
    ],
    [
      'with garbage',
      async () => exchange({ ...GRANT, client_secret: 'garbage' }),
      '401 invalid_client',
    ],
    [
      'with one character changed',
      async () => exchange({ ...GRANT, client_secret: changed(key.secret) }),
      '401 invalid_client',
    ],
    [
      'with the id of another key',
      async () => exchange({ ...GRANT, client_secret: key.secret, client_id: crypto.randomUUID() }),
      '401 invalid_client',
    ],
    [
      'for a scope that the key lacks',
      async () => exchange({ ...GRANT, client_secret: key.secret, scope: 'notes:read admin' }),
      '400 invalid_scope',
    ],
    [
      'for a malformed scope',
      async () => exchange({ ...GRANT, client_secret: key.secret, scope: 'a"b' }),
      '400 invalid_scope',
    ],
    [
      'for too long a life',
      async () => exchange({ ...GRANT, client_secret: key.secret, expires_in: '86401' }),
      '400 invalid_request',
    ],
    [
      'for no life',
      async () => exchange({ ...GRANT, client_secret: key.secret, expires_in: '0' }),
      '400 invalid_request',
    ],
    [
      'with a body that is too large',
      async () => exchange({ ...GRANT, x: 'x'.repeat(70_000) }),
      '413 invalid_request',
    ],
    [
      'of a derived token',
      async () => exchange({ ...GRANT, client_secret: await derived() }),
      '401 invalid_client',
    ],
    [
      'of a revoked key',
      async () => exchange({ ...GRANT, client_secret: await revoked() }),
      '401 invalid_client',
    ],
    [
      'from an address that the key excludes',
      async () => exchange({ ...GRANT, client_secret: await bound() }),
      '400 unauthorized_client',
    ],
  ])('%s', async (_, attempt, expected) => {
    const response = await attempt();
    expect(response.headers.get('cache-control')).toBe('no-store');
    const challenge =
      expected === '401 invalid_client' ? expect.stringMatching(/^Basic realm=/) : null;
    expect(response.headers.get('www-authenticate')).toEqual(challenge);
    const text = await response.clone().text();
    expect(text).not.toContain(key.secret);
    expect(await errorOf(response)).toBe(expected);
  });

  test('by another method than POST', async () => {
    expect((await anonymous('/oauth2/token')).status).toBe(404);
  });
});

/** The last character before the checksum, another one. */
function changed(secret: string): string {
  const cut = secret.lastIndexOf('_') - 1;
  return `${secret.slice(0, cut)}${secret[cut] === 'A' ? 'B' : 'A'}${secret.slice(cut + 1)}`;
}

async function derived(): Promise<string> {
  const response = await exchange({ ...GRANT, client_secret: key.secret });
  return (await response.json()).access_token;
}

async function revoked(): Promise<string> {
  const { secret, issued_api_key: victim } = await issue();
  await admin(`${ISSUED}/${victim.key_id}:revoke`, { body: {} });
  return secret;
}

async function bound(): Promise<string> {
  return (await issue({ ip_restriction: { allowed_cidrs: ['10.0.0.0/8'] } })).secret;
}

describe('failed attempts', () => {
  const from = (sender: string) => ({ 'cf-connecting-ip': sender });

  test('are answered 429 after the limit, for a good key too, and for that address alone', async () => {
    const sender = from('198.51.100.7');
    for (let failures = 0; failures < 30; failures++) {
      const response = await exchange({ ...GRANT, client_secret: `garbage${failures}` }, sender);
      expect(await errorOf(response)).toBe('401 invalid_client');
    }
    for (const secret of ['garbage', key.secret]) {
      const response = await exchange({ ...GRANT, client_secret: secret }, sender);
      expect(response.status).toBe(429);
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(Number(response.headers.get('retry-after'))).toBeLessThanOrEqual(60);
      expect(await errorOf(response)).toBe('429 temporarily_unavailable');
    }
    const elsewhere = await exchange({ ...GRANT, client_secret: key.secret }, from('198.51.100.8'));
    expect(elsewhere.status).toBe(200);
  });

  test('are counted for successes neither nor for requests without a secret', async () => {
    const sender = from('198.51.100.9');
    for (let i = 0; i < 35; i++) {
      const body = i % 2 === 0 ? { ...GRANT, client_secret: key.secret } : GRANT;
      expect((await exchange(body, sender)).status).toBe(i % 2 === 0 ? 200 : 401);
    }
  });
});

describe('an outage', () => {
  const form = () =>
    new Request('http://localhost/oauth2/token', {
      method: 'POST',
      headers: { 'Content-Type': FORM },
      body: String(new URLSearchParams({ ...GRANT, client_secret: key.secret })),
    });

  test.each([
    ['the database', new StoreUnavailable(), '503 temporarily_unavailable'],
    ['a bug', new TypeError('bug'), 'thrown'],
  ])('of %s', async (_, ...[failure, expected]) => {
    const config = readConfig(env);
    const route = tokenRoute({
      ...{ config, keys: await deriveMasterKeys(config), log: () => {} },
      apiKeys: { find: () => Promise.reject(failure) },
      attempts: { blockedForSeconds: async () => 0, failed: async () => 0 },
      minting: { actorScopes: { lastOf: () => undefined } },
    } as never);
    const tenant = defaultTenant(config);
    const answer = route.handle({ raw: form(), requestId: 'r', tenant } as never);
    if (expected === 'thrown') return expect(answer).rejects.toBe(failure);
    expect((await answer).headers.get('retry-after')).toBe('1');
    return expect(await errorOf(await answer)).toBe(expected);
  });
});

test('the metadata of RFC 8414 leads to the token endpoint and the keys', async () => {
  const response = await anonymous('/.well-known/oauth-authorization-server');
  const metadata = await response.json();
  expect(metadata).toMatchObject({
    issuer: env.ISSUER,
    grant_types_supported: [
      ...['client_credentials', 'urn:ietf:params:oauth:grant-type:token-exchange'],
    ],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'none'],
  });
  expect(metadata.token_endpoint).toBe(`${env.ISSUER}/oauth2/token`);
  const keys = await anonymous(new URL(metadata.jwks_uri).pathname);
  expect((await keys.json()).keys).not.toHaveLength(0);
});
