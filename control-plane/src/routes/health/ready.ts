import type { Deps } from '../../deps.ts';
import { problemResponse } from '../../http/problem.ts';
import type { Route } from '../../http/route.ts';
import { RETRY_AFTER_SECONDS } from '../../limits.ts';

/** GET /health/ready: the database answers and the feed has been published at least once. */
export function readyRoute(deps: Deps): Route {
  return {
    operationId: 'isReady',
    method: 'GET',
    path: '/health/ready',
    surface: 'all',
    permission: 'anonymous',
    handle: async () => {
      await deps.database.check();
      if (await deps.publisher.hasPublished()) return Response.json({ status: 'ok' });
      const message = 'The feed has not been published yet.';
      return problemResponse(
        { code: 'service_unavailable', message },
        { 'Retry-After': String(RETRY_AFTER_SECONDS) },
      );
    },
  };
}
