/** Guarantee: a surface serves its own routes; the other's are unknown paths there, even to admins. */

import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import { ORIGIN, outcomeOf } from '../../testing/api.ts';
import { createApp, routesOf } from '../app.ts';
import { parseConfig, readConfig } from '../config.workers.ts';
import { ConfigInvalid } from '../config-source.ts';
import worker, { createWorkerDeps } from '../worker.ts';
import type { Route } from './route.ts';

const deps = await createWorkerDeps(readConfig(env));
const every = routesOf(deps, 'all');

const ofSurface = (surface: 'admin' | 'public') =>
  every.filter((route) => route.surface === surface).map(({ operationId }) => operationId);
const nameOf = (route: Route) => `${route.method} ${route.path}`;

const authorization = { Authorization: `Bearer ${env.TEST_ADMIN_TOKEN}` };

function requestTo({ method, path }: Pick<Route, 'method' | 'path'>, headers = authorization) {
  const filled = path.replace(/\{[a-z_]+\}/g, () => crypto.randomUUID());
  return new Request(`${ORIGIN}${filled}`, { method, headers });
}

/** The route that answers a request, or that none does: what the log says. */
async function answererOf(route: Route, surface: 'admin' | 'public'): Promise<unknown> {
  const routes: unknown[] = [];
  const log = (_level: string, event: string, fields: Record<string, unknown>) => {
    if (event === 'request') routes.push(fields.route);
  };
  const response = await createApp({ ...deps, log }, surface).fetch(requestTo(route));
  if (routes[0] === 'none') expect(await outcomeOf(response)).toBe('404 not_found');
  else await response.body?.cancel();
  return routes[0];
}

describe.each(['admin', 'public'] as const)('the %s surface', (surface) => {
  test.each(every.map((route) => [nameOf(route), route] as const))('%s', async (_, route) => {
    const isServed = route.surface === 'all' || route.surface === surface;
    expect(await answererOf(route, surface)).toBe(isServed ? route.path : 'none');
  });
});

test('what is public is no more than needs no admin, and what is common is harmless', () => {
  const common = every.filter((route) => route.surface === 'all');
  expect(common.map(({ permission }) => permission)).toEqual(common.map(() => 'anonymous'));
  expect(ofSurface('public').sort()).toEqual([
    'discharge',
    'getAuthorizationServerMetadata',
    'getFeedHead',
    'getFeedKeyset',
    'getFeedSegment',
    'makeDischargeCaveat',
    'oauth2Token',
    'revokeApiKey',
  ]);
  expect(ofSurface('admin').length).toBeGreaterThan(8);
});

test.each([
  ['without a credential', {}],
  ['with a wrong one', { Authorization: 'Bearer x' }],
  ['with the right one', authorization],
])('the public surface does not say that there is an admin API: %s', async (_, headers) => {
  const app = createApp(deps, 'public');
  for (const path of ['/v1/admin', '/v1/admin/x', '/v2alpha1/admin/issuedApiKeys']) {
    const response = await app.fetch(requestTo({ method: 'GET', path }, headers as never));
    expect(await outcomeOf(response)).toBe('404 not_found');
    expect(response.headers.get('www-authenticate')).toBe(null);
  }
});

describe('SURFACE', () => {
  const context = { waitUntil: () => {}, passThroughOnException: () => {} };
  const statusOf = async (settings: object, path: string) => {
    const request = new Request(`${ORIGIN}${path}`) as never;
    const response = await worker.fetch(request, { ...env, ...settings }, context as never);
    await response.body?.cancel();
    return response.status;
  };

  test.each([
    [{}, 401, 200],
    [{ SURFACE: 'all' }, 401, 200],
    [{ SURFACE: 'admin' }, 401, 404],
    [{ SURFACE: 'public' }, 404, 200],
  ])('%j: the admin API answers %i, the metadata %i', async (settings, admin, metadata) => {
    expect(await statusOf(settings, '/v2alpha1/admin/issuedApiKeys')).toBe(admin);
    const path = '/.well-known/oauth-authorization-server';
    expect(await statusOf(settings, path)).toBe(metadata);
    expect(await statusOf(settings, '/health/alive')).toBe(200);
  });

  test('anything else is refused', () => {
    const parse = (SURFACE: string) => () => parseConfig({ ...env, SURFACE });
    for (const wrong of ['Admin', 'admin,public', 'none']) {
      expect(parse(wrong)).toThrow(ConfigInvalid);
      expect(parse(wrong)).toThrow('SURFACE: must be one of all, admin, public');
    }
    expect(parse('')().surface).toBe('all');
  });
});
