/** Guarantee: who is let in, with which role, on which tenant; and that guessing is slowed down. */

import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { bearer, CREDENTIALS, makeAdmin, makeTenant } from '../../testing/administrators.ts';
import { ISSUED, ORIGIN, outcomeOf } from '../../testing/api.ts';
import {
  AUDIENCE,
  ISSUER,
  jwksOf,
  makeIssuerKey,
  serve,
  signAdminToken,
  timesAsked,
} from '../../testing/issuer.ts';
import { createApp } from '../app.ts';
import { parseConfig } from '../config.workers.ts';
import { createWorkerDeps } from '../worker.ts';

const jwksUrl = `${inject('issuerUrl')}/admin-auth`;
const key = await makeIssuerKey();
const jwt = await signAdminToken(key);
beforeAll(() => serve(jwksUrl, jwksOf(key)));

const SETTINGS = {
  ADMIN_JWT_ISSUER: ISSUER,
  ADMIN_JWT_AUDIENCE: AUDIENCE,
  ADMIN_JWT_JWKS_URL: jwksUrl,
  ADMIN_JWT_ROLE_CLAIM: 'groups',
  ADMIN_JWT_ROLES: JSON.stringify({ admins: 'owner', ops: 'operator', keys: 'issuer' }),
};

interface World {
  readonly logged: readonly string[];
  send(
    headers: Record<string, string>,
    request?: { path?: string; body?: unknown },
  ): Promise<string>;
  response(headers: Record<string, string>, path?: string): Promise<Response>;
}

/** The whole application with settings of its own, on the real bindings. */
async function world(settings: Record<string, string> = {}): Promise<World> {
  const deps = await createWorkerDeps(parseConfig({ ...env, ...settings }));
  const logged: string[] = [];
  const log = (_level: string, event: string, fields: object) => {
    if (event === 'admin_refused') logged.push(JSON.stringify(fields));
  };
  const app = createApp({ ...deps, log });
  const call = async (headers: Record<string, string>, path = ISSUED, body?: unknown) =>
    app.fetch(
      new Request(`${ORIGIN}${path}`, {
        method: body === undefined ? 'GET' : 'POST',
        headers: { 'Content-Type': 'application/json', ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    );
  return {
    logged,
    send: async (headers, { path, body } = {}) => outcomeOf(await call(headers, path, body)),
    response: (headers, path) => call(headers, path),
  };
}

const token: string = env.TEST_ADMIN_TOKEN;
const assertion = (jwt: string) => ({ 'Cf-Access-Jwt-Assertion': jwt });

describe('a JWT of the configured issuer', () => {
  test('lets in by either header, with the role of its claim', async () => {
    const { send } = await world(SETTINGS);
    const jwt = await signAdminToken(key, { claims: { groups: ['ops'] } });
    for (const headers of [bearer(jwt), assertion(jwt)]) {
      expect(await send(headers)).toBe('200');
      const body = { name: 'n', role: 'auditor' };
      expect(await send(headers, { path: CREDENTIALS, body })).toBe('403 forbidden');
    }
  });

  test('is asked about with one look at the keys', async () => {
    await serve(jwksUrl, jwksOf(key));
    const { send } = await world(SETTINGS);
    for (let i = 0; i < 3; i++) expect(await send(bearer(await signAdminToken(key)))).toBe('200');
    expect(await timesAsked(jwksUrl)).toBe(1);
  });

  test('is named in the audit log by its subject', async () => {
    const { response } = await world(SETTINGS);
    const sub = crypto.randomUUID();
    const jwt = await signAdminToken(key, { claims: { sub, groups: 'admins' } });
    const { send } = await world(SETTINGS);
    const body = { name: 'n', actor_id: 'a' };
    expect(await send(bearer(jwt), { body })).toBe('201');
    const event = await env.DB.prepare('SELECT * FROM audit_events WHERE caller_id = ?').bind(sub);
    expect(await event.first()).toMatchObject({ caller_kind: 'admin_jwt', caller_role: 'owner' });
    expect((await response(bearer(jwt), CREDENTIALS)).status).toBe(200);
  });

  test('gives no role: 403, and nothing is counted as a guess', async () => {
    const { send } = await world({ ...SETTINGS, ADMIN_FAILURES_PER_MINUTE: '1' });
    const headers = {
      ...bearer(await signAdminToken(key, { claims: { groups: ['staff'] } })),
      'CF-Connecting-IP': '192.0.2.1',
    };
    for (let i = 0; i < 3; i++) expect(await send(headers)).toBe('403 forbidden');
  });

  test('is bound to the tenant that it names', async () => {
    const tenantId = await makeTenant();
    const { send } = await world({ ...SETTINGS, ADMIN_JWT_TENANT_CLAIM: '/custom/tenant' });
    const headersFor = async (tenant: unknown) =>
      bearer(await signAdminToken(key, { claims: { custom: { tenant } } }));
    const bound = await headersFor(tenantId);
    expect(await send(bound)).toBe('200');
    expect(await send(bound, { path: '/v1/admin/tenants' })).toBe('403 forbidden');
    const named = { ...bound, 'Cardea-Tenant': await makeTenant() };
    expect(await send(named)).toBe('403 forbidden');
    expect(await send(await headersFor('*'), { path: '/v1/admin/tenants' })).toBe('200');
    expect(await send(await headersFor(undefined))).toBe('403 forbidden');
    expect(await send(await headersFor(crypto.randomUUID()))).toBe('403 forbidden');
  });

  test.each([
    ['of another issuer', { claims: { iss: 'https://evil.example' } }],
    ['for another audience', { claims: { aud: 'other' } }],
    ['that has expired', { claims: { iat: 1_700_000_000, exp: 1_700_003_600 } }],
    ['for two days', { claims: { exp: Math.floor(Date.now() / 1000) + 172_800 } }],
    ['with a key of its own', { header: { jwk: key.jwk } }],
    ['under an unknown key', { header: { kid: 'unknown' } }],
  ])('%s is refused like any other credential', async (_, change) => {
    const { send, logged } = await world(SETTINGS);
    const jwt = await signAdminToken(key, change);
    expect(await send(bearer(jwt))).toBe('401 unauthorized');
    expect(await send(assertion(jwt))).toBe('401 unauthorized');
    expect(logged).toHaveLength(2);
    expect(logged.join()).not.toContain(jwt.split('.')[2]);
  });

  test('cannot be judged while the issuer is away: 503, and it is no guess', async () => {
    const away = { ...SETTINGS, ADMIN_JWT_JWKS_URL: `${jwksUrl}-away` };
    await serve(away.ADMIN_JWT_JWKS_URL, 'down', { 'x-status': '503' });
    const { response, send } = await world({ ...away, ADMIN_FAILURES_PER_MINUTE: '1' });
    const headers = { ...bearer(await signAdminToken(key)), 'CF-Connecting-IP': '192.0.2.2' };
    for (let i = 0; i < 3; i++) {
      const refused = await response(headers);
      expect(refused.headers.get('retry-after')).toBe('1');
      expect(await outcomeOf(refused)).toBe('503 service_unavailable');
    }
    const known = { ...bearer(token), 'CF-Connecting-IP': '192.0.2.2' };
    expect(await send(known)).toBe('200'); // Who needs no issuer works on.
  });

  test('is nothing where no issuer is configured', async () => {
    const { send } = await world();
    expect(await send(bearer(jwt))).toBe('401 unauthorized');
    expect(await send(assertion(jwt))).toBe('401 unauthorized');
  });
});

describe("Cloudflare Access's header", () => {
  test('counts only where there is no Authorization', async () => {
    const { send } = await world(SETTINGS);
    expect(await send({ ...assertion(jwt), ...bearer('x'.repeat(43)) })).toBe('401 unauthorized');
    expect(await send({ ...assertion(jwt), Authorization: '' })).toBe('401 unauthorized');
    expect(await send({ ...assertion('garbage'), ...bearer(token) })).toBe('200');
    expect(await send(assertion('garbage'))).toBe('401 unauthorized');
    expect(await send(assertion(token))).toBe('200'); // A header is a header.
  });

  test.each([
    [{ Origin: 'https://evil.example' }],
    [{ Origin: 'null' }],
    [{ Origin: `${ORIGIN}.evil.example` }],
    [{ 'Sec-Fetch-Site': 'cross-site' }],
    [{ 'Sec-Fetch-Site': 'same-site' }],
  ])('is refused from another site: %j', async (from) => {
    const { send } = await world(SETTINGS);
    const body = { name: 'n', actor_id: 'a' };
    expect(await send({ ...assertion(jwt), ...from }, { body })).toBe('403 forbidden');
    // A header that only a program can set carries no one else's intent.
    expect(await send({ ...bearer(jwt), ...from }, { body })).toBe('201');
  });

  test.each([
    [{ Origin: ORIGIN }],
    [{ Origin: ORIGIN.replace('http:', 'https:') }],
    [{ 'Sec-Fetch-Site': 'same-origin', Origin: ORIGIN }],
    [{ 'Sec-Fetch-Site': 'none' }],
    [{}],
  ])('is taken from the own site: %j', async (from) => {
    const { send } = await world(SETTINGS);
    const body = { name: 'n', actor_id: 'a' };
    expect(await send({ ...assertion(jwt), ...from }, { body })).toBe('201');
  });
});

describe('the bootstrap token', () => {
  test('is refused once it is disabled; credentials go on', async () => {
    const { secret } = await makeAdmin();
    const { send } = await world({ ADMIN_TOKEN_SHA256: 'disabled' });
    expect(await send(bearer(token))).toBe('401 unauthorized');
    expect(await send(bearer('disabled'))).toBe('401 unauthorized');
    expect(await send(bearer(secret))).toBe('200');
  });
});

describe('guessing', () => {
  const address = (last: number) => ({ 'CF-Connecting-IP': `198.51.100.${last}` });
  const guess = (i: number) => bearer(`guess-${i}`.padEnd(43, 'x'));

  test('is slowed down: 429 with Retry-After, whatever is shown then', async () => {
    const { response, send } = await world({ ADMIN_FAILURES_PER_MINUTE: '5' });
    const { secret } = await makeAdmin();
    for (let i = 0; i < 5; i++) {
      expect(await send({ ...guess(i), ...address(1) })).toBe('401 unauthorized');
    }
    for (const headers of [guess(6), bearer(token), bearer(secret), { Authorization: 'x' }]) {
      const blocked = await response({ ...headers, ...address(1) });
      const wait = Number(blocked.headers.get('retry-after'));
      expect([wait > 0, wait <= 60]).toEqual([true, true]);
      expect(await outcomeOf(blocked)).toBe('429 too_many_requests');
    }
    // Nobody else is blocked, and who shows nothing is told what is missing.
    expect(await send({ ...bearer(token), ...address(2) })).toBe('200');
    expect(await send(address(1))).toBe('401 unauthorized');
  });

  test('is counted for all processes together', async () => {
    const settings = { ADMIN_FAILURES_PER_MINUTE: '4' };
    const [one, other] = [await world(settings), await world(settings)];
    for (let i = 0; i < 4; i++) {
      const { send } = i % 2 === 0 ? one : other;
      expect(await send({ ...guess(i), ...address(3) })).toBe('401 unauthorized');
    }
    expect(await one.send({ ...guess(5), ...address(3) })).toBe('429 too_many_requests');
    expect(await other.send({ ...guess(6), ...address(3) })).toBe('429 too_many_requests');
    expect(await other.send({ ...bearer(token), ...address(3) })).toBe('429 too_many_requests');
  });

  test('is counted apart from failed exchanges', async () => {
    const settings = { ADMIN_FAILURES_PER_MINUTE: '1', EXCHANGE_FAILURES_PER_MINUTE: '1' };
    const { send, response } = await world(settings);
    for (let i = 0; i < 3; i++) await send({ ...guess(i), ...address(4) });
    expect(await send({ ...guess(9), ...address(4) })).toBe('429 too_many_requests');
    const exchange = await response(address(4), '/v2alpha1/derivedKeys/jwks.json');
    expect(exchange.status).toBe(200);
    const limiter = env.ATTEMPTS.get(env.ATTEMPTS.idFromName('c6336404'));
    expect(await limiter.blockedFor(1)).toBe(0);
  });

  test('no credential at all is no guess', async () => {
    const { send } = await world({ ADMIN_FAILURES_PER_MINUTE: '1' });
    for (let i = 0; i < 5; i++) expect(await send(address(5))).toBe('401 unauthorized');
    expect(await send({ ...bearer(token), ...address(5) })).toBe('200');
  });

  test('good credentials wait for no counter', async () => {
    const config = parseConfig({ ...env });
    const deps = await createWorkerDeps(config);
    const asked: string[] = [];
    const adminAttempts = {
      blockedForSeconds: async () => asked.push('look'),
      failed: async () => asked.push('count') * 0,
    };
    const app = createApp({ ...deps, adminAttempts, log: () => {} });
    const get = (headers: Record<string, string>) =>
      app.fetch(new Request(`${ORIGIN}${ISSUED}`, { headers }));
    expect((await get(bearer(token))).status).toBe(200);
    expect(asked).toEqual([]);
    expect((await get(guess(1))).status).toBe(401);
    expect(asked).toEqual(['count']);
  });

  test('the log says why, and never what', async () => {
    const { logged, send } = await world();
    const { secret } = await makeAdmin();
    const cut = secret.slice(0, -1);
    for (const headers of [guess(1), bearer(cut), { Authorization: 'Basic x' }]) {
      expect(await send(headers)).toBe('401 unauthorized');
    }
    expect(logged.map((line) => JSON.parse(line).reason)).toEqual([
      ...['token_unknown', 'credential_malformed', 'header_malformed'],
    ]);
    expect(logged.join()).not.toMatch(/guess|cardea_admin/);
  });
});
