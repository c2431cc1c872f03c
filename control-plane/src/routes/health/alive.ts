import type { Route } from '../../http/route.ts';

/** GET /health/alive: this process answers. */
export function aliveRoute(): Route {
  return {
    operationId: 'isAlive',
    method: 'GET',
    path: '/health/alive',
    surface: 'all',
    permission: 'anonymous',
    isForAnyHost: true,
    handle: async () => Response.json({ status: 'ok' }),
  };
}
