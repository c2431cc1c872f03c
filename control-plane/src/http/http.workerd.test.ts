import { createExecutionContext } from 'cloudflare:test';
import { env, exports } from 'cloudflare:workers';
import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { admin, anonymous, ISSUED, issue, ORIGIN, outcomeOf } from '../../testing/api.ts';
import { createApp, routesOf } from '../app.ts';
import { readConfig } from '../config.workers.ts';
import { BODY_BYTES_MAX } from '../limits.ts';
import worker, { createWorkerDeps } from '../worker.ts';

const deps = await createWorkerDeps(readConfig(env));
const VERIFY = '/v2alpha1/admin/apiKeys:verify';

/** A path that matches a template. */
const pathOf = (template: string) => template.replace(/\{[a-z_]+\}/g, crypto.randomUUID());

describe('every route with a JSON body', () => {
  const withBody = routesOf(deps, 'all').filter((route) => route.body !== undefined);

  test('is in the battery', () => {
    expect(withBody.length).toBeGreaterThan(5);
  });

  describe.each(withBody.map(({ method, path }) => ({ method, path })))(
    'bad input to $method $path',
    ({ method, path }) => {
      const send = (body: string) => admin(pathOf(path), { method, body });

      test.each([
        ['not JSON', 'nonsense', '400 bad_request'],
        ['half of JSON', '{"name":', '400 bad_request'],
        ['an array', '[]', '400 bad_request'],
        ['a string', '"x"', '400 bad_request'],
        ['null', 'null', '400 bad_request'],
        ['a depth bomb', '['.repeat(100_000), '400 bad_request'],
        ['a deep object', `${'{"a":'.repeat(40)}1${'}'.repeat(40)}`, '400 bad_request'],
        ['a lone surrogate', '{"name":"\\ud800"}', '400 bad_request'],
        ['NUL', '{"x":"\\u0000"}', '400 bad_request'],
        ['an infinite number', '{"x":1e999}', '400 bad_request'],
      ])('refuses %s', async (_, body, outcome) => {
        expect(await outcomeOf(await send(body))).toBe(outcome);
      });

      test('keeps __proto__ harmless', async () => {
        const response = await send('{"__proto__":{"polluted":1,"credential":"x","name":"x"}}');
        expect(response.status).toBeLessThan(500);
        expect(Reflect.get({}, 'polluted')).toBeUndefined();
      });
    },
  );
});

describe('paths', () => {
  test.each([
    ['GET', '/'],
    ['GET', '/v2alpha1'],
    ['GET', '/v2alpha1/apiKeys:selfRevoke'],
    ['PUT', '/v2alpha1/apiKeys:selfRevoke'],
    ['POST', '/v2alpha1/apiKeys:selfrevoke'],
    ['POST', '/v2alpha1/apiKeys%3AselfRevoke'],
    ['POST', '/v2alpha1/apiKeys:selfRevoke/'],
    ['POST', '/health/alive'],
    ['GET', '/health'],
    ['GET', '/health/alive/'],
    ['OPTIONS', '/v2alpha1/apiKeys:selfRevoke'],
    ['DELETE', '/version'],
  ])('%s %s is 404 not_found', async (method, path) => {
    expect(await outcomeOf(await anonymous(path, { method }))).toBe('404 not_found');
  });

  test.each([
    ['POST', `${ISSUED}/${crypto.randomUUID()}`],
    ['GET', `${ISSUED}/${crypto.randomUUID()}:revoke`],
    ['DELETE', `${ISSUED}/${crypto.randomUUID()}`],
    ['POST', `${ISSUED}/${crypto.randomUUID()}:explode`],
    ['POST', `${ISSUED}/a/b:revoke`],
    ['POST', `${ISSUED}/${crypto.randomUUID()}:revoke%20`],
    ['POST', `${ISSUED}/:revoke`],
    ['GET', `${ISSUED}/`],
    ['GET', '/v2alpha1/admin'],
    ['GET', '/v2alpha1/admin/'],
    ['GET', '/v1/admin/anything'],
    ['GET', VERIFY],
  ])('%s %s is 404 not_found for the admin, 401 for anybody else', async (method, path) => {
    expect(await outcomeOf(await admin(path, { method }))).toBe('404 not_found');
    expect(await outcomeOf(await anonymous(path, { method }))).toBe('401 unauthorized');
  });

  test.each([
    ['POST', `${ISSUED}/a%3Ab:revoke`],
    ['POST', `${ISSUED}/a%2Fb%20c%3Ad%25%C3%A9:rotate`],
    ['POST', `${ISSUED}/a:b:revoke`],
    ['POST', `${ISSUED}/x%3Arevoke:revoke`],
  ])('%s %s names a key by what stands before the last raw colon', async (method, path) => {
    expect(await outcomeOf(await admin(path, { method }))).toBe('404 api_key_not_found');
  });

  test('the decoded id of an encoded path is the id', async () => {
    const { issued_api_key: key } = await issue();
    const encoded = key.key_id.replaceAll('-', '%2D');
    expect(await outcomeOf(await admin(`${ISSUED}/${encoded}`))).toBe('200');
    const revoked = await admin(`${ISSUED}/${encoded}:revoke`, { method: 'POST' });
    expect(revoked.ok).toBe(true);
  });

  test('runs of slashes are one slash, and hide nothing from the guard', async () => {
    const { issued_api_key: key } = await issue();
    const path = `//v2alpha1//admin///issuedApiKeys/${key.key_id}`;
    expect(await outcomeOf(await admin(path))).toBe('200');
    expect(await outcomeOf(await anonymous(path))).toBe('401 unauthorized');
    const dotted = `/x/../v2alpha1/./admin/issuedApiKeys/${key.key_id}`;
    expect(await outcomeOf(await anonymous(dotted))).toBe('401 unauthorized');
    expect(await outcomeOf(await anonymous('//health//alive'))).toBe('200');
  });

  test('the surfaces differ in what they serve, not in health, version and keys', async () => {
    const served = (surface: 'admin' | 'public') =>
      routesOf(deps, surface).map(({ operationId }) => operationId);
    expect(served('public')).toContain('revokeApiKey');
    expect(served('admin')).not.toContain('revokeApiKey');
    expect(served('admin')).toContain('adminIssueApiKey');
    expect(served('public').filter((id) => id.startsWith('admin'))).toEqual([]);
    for (const common of ['isAlive', 'isReady', 'getVersion']) {
      expect(served('admin')).toContain(common);
      expect(served('public')).toContain(common);
    }
  });
});

describe('every answer', () => {
  test.each([
    ['200', () => anonymous('/health/alive')],
    ['201', () => admin(ISSUED, { body: { name: 'n', actor_id: 'a' } })],
    ['400', () => admin(ISSUED, { body: {} })],
    ['401', () => anonymous(ISSUED)],
    ['404', () => anonymous('/nowhere')],
    ['413', () => admin(ISSUED, { body: 'x'.repeat(BODY_BYTES_MAX + 1) })],
  ])('%s has the security headers', async (status, call) => {
    const response = await call();
    expect(String(response.status)).toBe(status);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'strict-transport-security': 'max-age=31536000; includeSubDomains',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'x-frame-options': 'DENY',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'permissions-policy': 'camera=(), geolocation=(), microphone=()',
      'cache-control': 'no-store',
      'x-request-id': expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(response.headers.has('access-control-allow-origin')).toBe(false);
  });

  test('carries the request id of the client, if it is safe', async () => {
    const idFor = async (sent: string) =>
      (await anonymous('/health/alive', { headers: { 'X-Request-ID': sent } })).headers.get(
        'x-request-id',
      );
    expect(await idFor('my-request.1')).toBe('my-request.1');
    expect(await idFor('x'.repeat(128))).toBe('x'.repeat(128));
    expect(await idFor('x'.repeat(129))).toMatch(/^[0-9a-f-]{36}$/);
    expect(await idFor('a"b')).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('bodies', () => {
  const streamed = (bytes: number) => {
    let left = bytes;
    const stream = new ReadableStream({
      pull(controller) {
        const size = Math.min(left, 64 * 1024);
        if (size === 0) return controller.close();
        left -= size;
        controller.enqueue(new Uint8Array(size).fill(0x20));
      },
    });
    return exports.default.fetch(
      new Request(`${ORIGIN}/v2alpha1/apiKeys:selfRevoke`, { method: 'POST', body: stream }),
    );
  };

  test('of unknown length end at the limit, too', async () => {
    expect(await outcomeOf(await streamed(BODY_BYTES_MAX))).toBe('400 bad_request');
    expect(await outcomeOf(await streamed(BODY_BYTES_MAX + 1))).toBe('413 request_too_large');
    expect(await outcomeOf(await streamed(8 * BODY_BYTES_MAX))).toBe('413 request_too_large');
  });

  test('of exactly the limit are read', async () => {
    const start = '{"name":"n","actor_id":"a","x":"';
    const body = `${start}${'x'.repeat(BODY_BYTES_MAX - start.length - 2)}"}`;
    expect(await outcomeOf(await admin(ISSUED, { body }))).toBe('201');
  });

  test('need no content type', async () => {
    const headers = { 'Content-Type': 'text/plain' };
    const body = { name: 'n', actor_id: 'a' };
    expect(await outcomeOf(await admin(ISSUED, { body, headers }))).toBe('201');
  });
});

describe('health and version', () => {
  test('alive answers ok', async () => {
    expect(await (await anonymous('/health/alive')).json()).toEqual({ status: 'ok' });
  });

  test.each([
    ['is ready once the feed is published', async () => true, '200'],
    ['is not ready before', async () => false, '503 service_unavailable'],
    [
      'is not ready while the publisher is away',
      () => Promise.reject(new Error('away')),
      '503 service_unavailable',
    ],
  ])('%s', async (_, hasPublished, outcome) => {
    const app = createApp({ ...deps, publisher: { ...deps.publisher, hasPublished } });
    const response = await app.fetch(new Request(`${ORIGIN}/health/ready`));
    expect(await outcomeOf(response)).toBe(outcome);
  });

  test('version tells builds and configurations apart', async () => {
    const version = await (await anonymous('/version')).json();
    expect(Object.keys(version)).toEqual(['version', 'commit', 'build_time', 'config_hash']);
    expect(version.config_hash).toMatch(/^[0-9a-f]{64}$/);
    const other = createApp({ ...deps, config: { ...deps.config, audience: 'another' } });
    const response = await other.fetch(new Request(`${ORIGIN}/version`));
    expect((await response.json()).config_hash).not.toBe(version.config_hash);
  });
});

describe('failures', () => {
  const canary = 'canary-9b1d';
  const logged: string[] = [];
  const log: typeof deps.log = (level, event, fields) => {
    logged.push(JSON.stringify({ level, event, ...fields }));
  };
  afterEach(() => {
    logged.length = 0;
  });

  test('a database that is away is 503 with Retry-After, on every call that needs it', async () => {
    const fail = () => Promise.reject(new Error(`D1_ERROR: ${'no such table: api_keys'}`));
    const statement = { bind: () => statement, all: fail, run: fail, raw: fail, first: fail };
    const broken = { prepare: () => statement, batch: fail } as unknown as D1Database;
    const config = {
      ...readConfig(env),
      bindings: { ...readConfig(env).bindings, database: broken },
    };
    const app = createApp({ ...(await createWorkerDeps(config)), log });
    const { secret } = await issue();
    const calls: [string, string, unknown?][] = [
      ['POST', ISSUED, { name: 'n', actor_id: 'a' }],
      ['POST', ISSUED, { name: 'n', actor_id: 'a', request_id: 'x' }],
      ['GET', ISSUED],
      ['GET', `${ISSUED}/${crypto.randomUUID()}`],
      ['POST', `${ISSUED}/${crypto.randomUUID()}:revoke`, {}],
      ['POST', `${ISSUED}/${crypto.randomUUID()}:rotate`, {}],
      ['POST', VERIFY, { credential: secret }],
      ['POST', '/v2alpha1/apiKeys:selfRevoke', { credential: secret }],
      ['GET', '/health/ready'],
    ];
    for (const [method, path, body] of calls) {
      const request = new Request(`${ORIGIN}${path}`, {
        method,
        headers: { Authorization: `Bearer ${env.TEST_ADMIN_TOKEN}` },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const response = await app.fetch(request);
      expect(response.headers.get('retry-after')).toBe('1');
      expect(await outcomeOf(response)).toBe('503 service_unavailable');
    }
    expect(logged.filter((line) => line.includes('no such table'))).toHaveLength(calls.length);
    expect(logged.join()).not.toContain(secret);
    expect(logged.join()).not.toContain(env.TEST_ADMIN_TOKEN);
  });

  test('what was not foreseen is 500, and neither answer nor log quotes it', async () => {
    const find = () => Promise.reject(new TypeError(`a message with ${canary}`));
    const app = createApp({ ...deps, log, apiKeys: { ...deps.apiKeys, find } });
    const request = new Request(`${ORIGIN}${ISSUED}/${crypto.randomUUID()}`, {
      headers: { Authorization: `Bearer ${env.TEST_ADMIN_TOKEN}` },
    });
    const response = await app.fetch(request);
    expect(response.status).toBe(500);
    const text = await response.text();
    expect(text).toContain('"INTERNAL_SERVER_ERROR"');
    expect(text).not.toMatch(/canary|TypeError|at .*\.ts/);
    expect(logged.join()).toContain('TypeError');
    expect(logged.join()).not.toContain(canary);
  });

  test('a log line tells the route, not the path, the query or the body', async () => {
    const app = createApp({ ...deps, log });
    const keyId = crypto.randomUUID();
    const request = new Request(`${ORIGIN}${ISSUED}/${keyId}:revoke?secret=${canary}`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${env.TEST_ADMIN_TOKEN}`, 'X-Request-ID': 'the-id' },
      body: JSON.stringify({ x: canary }),
    });
    await app.fetch(request);
    expect(logged.map((line) => JSON.parse(line))).toEqual([
      {
        level: 'info',
        event: 'request',
        method: 'POST',
        route: '/v2alpha1/admin/issuedApiKeys/{key_id}:revoke',
        status: 404,
        request_id: 'the-id',
        tenant_id: DEFAULT_TENANT_ID,
        principal: 'bootstrap',
        ms: expect.any(Number),
      },
    ]);
  });

  test.each([
    ['no secret', { CARDEA_SECRET: undefined }, 'CARDEA_SECRET: missing'],
    [
      'a short secret',
      { CARDEA_SECRET: canary },
      'CARDEA_SECRET: must have at least 32 characters',
    ],
    ['a bad hash', { ADMIN_TOKEN_SHA256: canary }, 'ADMIN_TOKEN_SHA256: must be 64'],
  ])('with %s every request answers 503 and the log says why', async (_, change, problem) => {
    const errors = vi.spyOn(console, 'error').mockImplementation(() => {});
    const bad = { ...env, ...change };
    for (const path of ['/health/alive', ISSUED, '/v2alpha1/apiKeys:selfRevoke']) {
      const request = new Request<unknown, IncomingRequestCfProperties>(`${ORIGIN}${path}`);
      const response = await worker.fetch(request, bad, createExecutionContext());
      expect(response.status).toBe(503);
      const text = await response.text();
      expect(text).toContain('misconfigured');
      expect(text).not.toMatch(/CARDEA|ADMIN|canary/);
    }
    const lines = errors.mock.calls.map(String);
    errors.mockRestore();
    expect(lines).toHaveLength(3);
    expect(lines.join()).toContain(problem);
    expect(lines.join()).not.toContain(canary);
  });
});
