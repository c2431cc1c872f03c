/**
 * Guarantee: every admin route refuses every wrong caller, body and id in the same way. The routes are
 * those of the router, so one that is added later is in the battery, or a test says that it is not.
 */

import { env } from 'cloudflare:workers';
import { formatApiKey } from '@cardea/shared/credential/api-key';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  bearer,
  expire,
  makeAdmin,
  makeTenant,
  revoke,
  rotate,
} from '../../testing/administrators.ts';
import { admin, anonymous, ORIGIN, outcomeOf } from '../../testing/api.ts';
import { ROLES_WITH } from '../admin-auth/roles.ts';
import { ADMIN_ROLES, type AdminRole } from '../admin-credentials/admin-credential.ts';
import { createApp, routesOf } from '../app.ts';
import { readConfig } from '../config.workers.ts';
import { BODY_BYTES_MAX } from '../limits.ts';
import { createWorkerDeps } from '../worker.ts';
import { ADMIN_PREFIXES, isAdminPath } from './mount-routes.ts';
import type { Route } from './route.ts';

const deps = await createWorkerDeps(readConfig(env));
const every = routesOf(deps, 'all').filter(({ path }) => isAdminPath(path));
const token: string = env.TEST_ADMIN_TOKEN;

/** A path that matches a template, with ids that name nothing. */
const pathOf = ({ path }: Pick<Route, 'path'>) =>
  path.replace(/\{[a-z_]+\}/g, () => crypto.randomUUID());
const nameOf = ({ method, path }: Route) => `${method} ${path}`;

/** Calls as somebody, with a body that the route cannot take: what is let in changes nothing. */
const call = (route: Route, headers: Record<string, string>) =>
  anonymous(pathOf(route), {
    ...{ method: route.method, headers },
    ...(route.body === undefined ? {} : { body: '{' }),
  });

/** Credentials that were good once, or never: filled before the tests run. */
const wrong: Record<string, string> = {};
const byRole = new Map<AdminRole, string>();
let boundOwner = '';
let otherTenant = '';

beforeAll(async () => {
  const good = await makeAdmin();
  const stranger = { prefix: 'cardea_admin', keyId: crypto.randomUUID() };
  const secretPart = crypto.getRandomValues(new Uint8Array(32));
  const [checksumKey] = deps.keys.checksum;
  const { credentialId: keyId } = good;
  wrong.unknown = await formatApiKey({ ...stranger, secretPart, checksumKey });
  wrong.otherSecret = await formatApiKey({
    prefix: 'cardea_admin',
    keyId,
    secretPart,
    checksumKey,
  });
  wrong.otherPrefix = good.secret.replace('cardea_admin', 'ck');
  wrong.badChecksum = `${good.secret.slice(0, -1)}${good.secret.endsWith('2') ? '3' : '2'}`;
  wrong.cutShort = good.secret.slice(0, -1);
  wrong.tooLong = `${good.secret}${'1'.repeat(8192)}`;
  const [expired, revoked, rotated] = [await makeAdmin(), await makeAdmin(), await makeAdmin()];
  await expire(expired);
  await revoke(revoked);
  await rotate(rotated);
  Object.assign(wrong, {
    expired: expired.secret,
    revoked: revoked.secret,
    rotatedOut: rotated.secret,
  });
  for (const role of ADMIN_ROLES) byRole.set(role, (await makeAdmin({ role })).secret);
  boundOwner = (await makeAdmin({ tenant_id: await makeTenant() })).secret;
  otherTenant = await makeTenant();
});

test('the battery knows every route that the router has under the admin prefixes', () => {
  const app = createApp(deps);
  const mounted = app.routes.filter(({ method, path }) => method !== 'ALL' && isAdminPath(path));
  expect(every.length).toBeGreaterThan(30);
  expect(mounted).toHaveLength(every.length);
  for (const { permission } of every) expect(permission).not.toBe('anonymous');
});

test('every route lies behind the guard that the router runs first', () => {
  const { routes } = createApp(deps);
  for (const prefix of ADMIN_PREFIXES) {
    const guard = routes.findIndex(({ path }) => path === `${prefix}/*`);
    const first = routes.findIndex(
      ({ method, path }) => method !== 'ALL' && path.startsWith(`${prefix}/`),
    );
    expect(guard).toBeGreaterThanOrEqual(0);
    if (first >= 0) expect(guard).toBeLessThan(first);
  }
});

/** What is shown, computed when the credentials are there. */
const UNAUTHORIZED: ReadonlyArray<readonly [what: string, headers: () => Record<string, string>]> =
  [
    ['no credential', () => ({})],
    ['an empty one', () => ({ Authorization: '' })],
    ['a scheme alone', () => ({ Authorization: 'Bearer' })],
    ['an empty token', () => ({ Authorization: 'Bearer ' })],
    ['another token', () => bearer('x'.repeat(43))],
    ['the token with one more character', () => bearer(`${token}x`)],
    ['the token with one less', () => bearer(token.slice(0, -1))],
    ['the token twice', () => ({ Authorization: `Bearer ${token}, Bearer ${token}` })],
    ['two spaces', () => ({ Authorization: `Bearer  ${token}` })],
    ['another scheme', () => ({ Authorization: `Basic ${btoa(`admin:${token}`)}` })],
    ['the token without scheme', () => ({ Authorization: token })],
    ['the hash of the token', () => bearer(env.ADMIN_TOKEN_SHA256)],
    ['a cookie', () => ({ Cookie: `Authorization=Bearer ${token}; token=${token}` })],
    ['another header', () => ({ 'X-Authorization': `Bearer ${token}`, 'X-Admin-Token': token })],
    ['a JWT where no issuer is configured', () => bearer('eyJhbGciOiJub25lIn0.e30.AA')],
    ['an assertion where none is', () => ({ 'Cf-Access-Jwt-Assertion': token })],
    ['an unknown credential', () => bearer(wrong.unknown ?? '')],
    ['a known id with another secret', () => bearer(wrong.otherSecret ?? '')],
    ['a credential under the prefix of keys', () => bearer(wrong.otherPrefix ?? '')],
    ['a bad checksum', () => bearer(wrong.badChecksum ?? '')],
    ['a credential cut short', () => bearer(wrong.cutShort ?? '')],
    ['a credential of 8 kB', () => bearer(wrong.tooLong ?? '')],
    ['an expired credential', () => bearer(wrong.expired ?? '')],
    ['a revoked credential', () => bearer(wrong.revoked ?? '')],
    ['a credential that was rotated out', () => bearer(wrong.rotatedOut ?? '')],
  ];

describe.each(every.map((route) => [nameOf(route), route] as const))('%s', (_name, route) => {
  test.each(UNAUTHORIZED)('refuses %s with 401 unauthorized', async (_, headers) => {
    const response = await call(route, headers());
    expect(response.headers.get('www-authenticate')).toBe('Bearer');
    const { error } = await response.json();
    // One answer for all of them: it does not tell an unknown id from a wrong secret.
    expect(error).toEqual({
      ...{ code: 401, message: 'A valid admin token is required.', status: 'UNAUTHENTICATED' },
      details: [expect.objectContaining({ reason: 'UNAUTHORIZED' })],
    });
  });

  test('refuses a token in the query', async () => {
    const query = `?access_token=${token}&Authorization=Bearer%20${token}`;
    const response = await anonymous(pathOf(route) + query, { method: route.method });
    expect(await outcomeOf(response)).toBe('401 unauthorized');
  });

  test('lets in the roles that the table names, and no other', async () => {
    expect(route.permission).not.toBe('anonymous');
    if (route.permission === 'anonymous') return;
    for (const [role, secret] of byRole) {
      const isAllowed = ROLES_WITH[route.permission].includes(role);
      // Whose own the credential must be, the route only sees once it has a body it can read.
      const response = await call(route, bearer(secret));
      expect([role, response.status !== 403]).toEqual([role, isAllowed]);
      expect(response.status).not.toBe(401);
      expect(response.status).toBeLessThan(500);
      await response.body?.cancel();
    }
  });

  test('lets the bootstrap token in, whatever the letter case of the scheme', async () => {
    for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
      const response = await call(route, { Authorization: `${scheme} ${token}` });
      expect([401, 403, 429]).not.toContain(response.status);
      expect(response.status).toBeLessThan(500);
      await response.body?.cancel();
    }
  });

  test('keeps whoever is bound to a tenant on that tenant', async () => {
    const isOfDeployment = /^(tenants|edges|feed)\./.test(route.permission);
    const own = await call(route, bearer(boundOwner));
    expect([own.status === 403, own.status === 401]).toEqual([isOfDeployment, false]);
    await own.body?.cancel();
    const headers = { ...bearer(boundOwner), 'Cardea-Tenant': otherTenant };
    expect(await outcomeOf(await call(route, headers))).toBe('403 forbidden');
  });

  test('does not know a tenant that does not exist', async () => {
    for (const name of [crypto.randomUUID(), 'x', 'x'.repeat(5000), `${otherTenant}, x`]) {
      const response = await call(route, { ...bearer(token), 'Cardea-Tenant': name });
      expect(await outcomeOf(response)).toBe('404 not_found');
    }
    const named = await call(route, { ...bearer(token), 'Cardea-Tenant': otherTenant });
    expect([401, 403]).not.toContain(named.status);
    await named.body?.cancel();
  });

  test('is not there for another method', async () => {
    const path = pathOf(route);
    for (const method of ['PUT', 'OPTIONS', 'PURGE']) {
      expect(await outcomeOf(await admin(path, { method }))).toBe('404 not_found');
      expect(await outcomeOf(await anonymous(path, { method }))).toBe('401 unauthorized');
    }
  });

  test('is not there on the public surface, not even for the admin', async () => {
    const request = new Request(`${ORIGIN}${pathOf(route)}`, {
      method: route.method,
      headers: bearer(token),
    });
    const response = await createApp(deps, 'public').fetch(request);
    expect(await outcomeOf(response)).toBe('404 not_found');
  });
});

const withBody = every.filter((route) => route.body !== undefined);

test('most routes that change something read a body', () => {
  expect(withBody.length).toBeGreaterThan(15);
});

describe.each(withBody.map((route) => [nameOf(route), route] as const))('%s', (_name, route) => {
  const { method, bodyBytesMax = BODY_BYTES_MAX } = route;

  test.each([
    ['that is too large', () => `"${'x'.repeat(bodyBytesMax - 1)}"`, '413 request_too_large'],
    ['that is no JSON', () => 'nonsense', '400 bad_request'],
    ['that is a list', () => '[]', '400 bad_request'],
  ])('refuses a body %s', async (_, body, outcome) => {
    const request = new Request(`${ORIGIN}${pathOf(route)}`, {
      ...{ method, body: body() },
      headers: { ...bearer(token), 'Content-Type': 'application/json' },
    });
    expect(await outcomeOf(await createApp(deps).fetch(request))).toBe(outcome);
  });

  test('looks at the credential before the body', async () => {
    const headers = bearer(wrong.expired ?? '');
    const response = await anonymous(pathOf(route), { method, headers, body: 'x'.repeat(2e6) });
    expect(await outcomeOf(response)).toBe('401 unauthorized');
  });
});

const withId = every.filter(({ path }) => path.includes('{'));

test.each(withId.map((route) => [nameOf(route), route] as const))(
  '%s: an unknown id is 404, of whatever shape',
  async (_name, { method, path }) => {
    const code = path.includes('ApiKeys/') || path.includes('apiKeys/') ? 'api_key_' : '';
    const ids = [crypto.randomUUID(), 'ab'.repeat(32), 'x', '%00', '%F0%9F%94%91', "'--"];
    const body = method === 'PATCH' ? { name: 'x' } : method === 'POST' ? {} : undefined;
    for (const id of ids) {
      const response = await admin(path.replace(/\{[a-z_]+\}/, id), { method, body });
      expect([id, await outcomeOf(response)]).toEqual([id, `404 ${code}not_found`]);
    }
  },
);
