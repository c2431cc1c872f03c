/** Guarantee: with UNKNOWN_HOST=refuse, a host of nobody answers what concerns no tenant, and 404. */

import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import { ISSUED, ORIGIN, outcomeOf } from '../../testing/api.ts';
import { publish } from '../../testing/hub.ts';
import { createApp } from '../app.ts';
import { parseConfig } from '../config.workers.ts';
import { createWorkerDeps } from '../worker.ts';

const deps = await createWorkerDeps(parseConfig({ ...env, UNKNOWN_HOST: 'refuse' }));
const app = createApp({ ...deps, log: () => {} });
const headers = { Authorization: `Bearer ${env.TEST_ADMIN_TOKEN}` };
const at = async (origin: string, path: string, init: RequestInit = {}) =>
  app.fetch(new Request(`${origin}${path}`, { headers, ...init }));

describe('under a host of nobody', () => {
  test.each(['/health/alive', '/health/ready', '/version', '/openapi.json', '/feed/v1/head'])(
    '%s answers as under any other',
    async (path) => {
      await publish();
      const own = await at(ORIGIN, path);
      expect(own.status).toBe(200);
      expect((await at('https://nobody.example', path)).status).toBe(own.status);
      expect((await at('https://nobody.example', path, { headers: {} })).status).toBe(own.status);
    },
  );

  test.each([
    ['GET', ISSUED],
    ['POST', ISSUED],
    ['GET', '/v1/admin/tenants'],
    ['GET', '/v2alpha1/derivedKeys/jwks.json'],
    ['GET', '/.well-known/oauth-authorization-server'],
    ['POST', '/oauth2/token'],
    ['POST', '/v2alpha1/apiKeys:selfRevoke'],
  ])('%s %s is 404 "network not found"', async (method, path) => {
    for (const init of [{ method }, { method, headers: {} }]) {
      const response = await at('https://nobody.example', path, init);
      expect(await outcomeOf(response.clone())).toBe('404 not_found');
      expect((await response.json()).error.message).toBe('network not found');
    }
    const control = await at(ORIGIN, path, { method });
    const text = await control.text();
    expect(text).not.toContain('network not found');
  });
});
