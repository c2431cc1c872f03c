/** One log line, one count, one measure and one span for each request: none shows its path or query. */

import type { MiddlewareHandler } from 'hono';
import type { Deps } from '../deps.ts';
import type { RequestFacts } from '../observability/tracing.ts';
import type { HonoEnv } from './mount-routes.ts';

/** Others are called `other`: a client may send any text as a method. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PATCH', 'PUT', 'DELETE', 'OPTIONS']);

/** The outermost middleware: everything else happens inside of it. */
export function observeRequests({
  clock,
  log,
  metrics,
  tracing,
}: Pick<Deps, 'clock' | 'log' | 'metrics' | 'tracing'>): MiddlewareHandler<HonoEnv> {
  return async (context, next) => {
    const startedAt = clock.now();
    const secondsSince = metrics.stopwatch();
    await tracing.request(context.req.raw.headers, async () => {
      await next();
      const milliseconds = clock.now() - startedAt;
      const tenantId = context.get('tenant')?.tenantId;
      const facts: RequestFacts = {
        method: METHODS.has(context.req.method) ? context.req.method : 'other',
        route: context.get('route') ?? 'none',
        status: context.res.status,
        requestId: context.get('requestId'),
        ...(tenantId === undefined ? {} : { tenantId }),
      };
      const { method, route } = facts;
      metrics.increment('cardea_requests_total', { route, method, status: String(facts.status) });
      metrics.observe('cardea_request_duration_seconds', { route, method }, secondsSince());
      log(facts.status >= 500 ? 'error' : 'info', 'request', {
        ...{ method, route, status: facts.status, ms: milliseconds },
        request_id: facts.requestId,
        ...(tenantId === undefined ? {} : { tenant_id: tenantId }),
        principal: context.get('principal')?.kind ?? 'anonymous',
      });
      return facts;
    });
  };
}
