import type { Route } from '../../http/route.ts';
import { healthAnswer } from '../messages/public-answers.ts';

/** GET /health/alive: this process answers. */
export function aliveRoute(): Route {
  return {
    operationId: 'isAlive',
    summary: 'Whether this process answers.',
    method: 'GET',
    path: '/health/alive',
    surface: 'all',
    permission: 'anonymous',
    isForAnyHost: true,
    answers: { 200: healthAnswer },
    handle: async () => Response.json({ status: 'ok' }),
  };
}
