/** The control plane on Cloudflare Workers. Composition root: the only file that knows them all. */

import type { Hono } from 'hono';
import { createApp } from './app.ts';
import { ConfigInvalid, type ControlPlaneConfig, readConfig } from './config.ts';
import type { HonoEnv } from './http/mount-routes.ts';
import { problemResponse } from './http/problem.ts';
import { SECURITY_HEADERS } from './http/security-headers.ts';
import { consoleLog } from './log.ts';
import { createHubClient } from './publication/hub-client.ts';
import { createWorkerDeps } from './worker-deps.ts';

// biome-ignore lint/performance/noBarrelFile: Workers finds Durable Object classes by their export.
export { Hub } from './publication/hub.ts';
export { AttemptLimiter } from './tokens/attempt-limiter.ts';

/** Plain data of this isolate, by environment: no promise, no response, no stream. */
const apps = new WeakMap<object, Hono<HonoEnv>>();

export default {
  async fetch(request, env, context) {
    try {
      const config = readConfig(env);
      const isFirst = !apps.has(env);
      const app = await appOf(env, config);
      if (isFirst) context.waitUntil(pokeHub(config));
      return await app.fetch(request, env, context);
    } catch (error) {
      if (error instanceof ConfigInvalid) return refuseToServe(error);
      throw error;
    }
  },

  async scheduled(_controller, env) {
    await pokeHub(readConfig(env));
  },
} satisfies ExportedHandler<object>;

async function appOf(env: object, config: ControlPlaneConfig): Promise<Hono<HonoEnv>> {
  const known = apps.get(env);
  if (known !== undefined) return known;
  const app = createApp(await createWorkerDeps(config));
  apps.set(env, app);
  return app;
}

/** Wakes the publisher. It has its own alarm: this only helps a hub that never ran or lost it. */
async function pokeHub({ bindings, environmentId }: ControlPlaneConfig): Promise<void> {
  await createHubClient(bindings.hub, environmentId).poke({ soon: false });
}

function refuseToServe(error: ConfigInvalid): Response {
  consoleLog('error', 'config_invalid', { problems: error.problems });
  const message = 'The server is misconfigured. Its log says what to change.';
  return problemResponse({ code: 'service_unavailable', message }, { ...SECURITY_HEADERS });
}
