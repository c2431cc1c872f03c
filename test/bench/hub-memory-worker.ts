/**
 * Runs inside workerd: the shipped control plane's classes, and beside them one question to the hub. The
 * first `/hub` is what wakes it; anything else leaves it asleep.
 */

import { createHubClient } from '../../control-plane/src/publication/hub/hub-client.ts';

// biome-ignore lint/performance/noBarrelFile: Workers finds Durable Object classes by their export.
export { AttemptLimiter, Hub, RateLimitCounter } from '../../control-plane/src/worker.ts';

type HubNamespace = Parameters<typeof createHubClient>[0];

export default {
  async fetch(request: Request, env: { HUB: HubNamespace; ENVIRONMENT_ID: string }) {
    if (new URL(request.url).pathname !== '/hub') return new Response(null, { status: 204 });
    return Response.json(await createHubClient(env.HUB, env.ENVIRONMENT_ID).status());
  },
};
