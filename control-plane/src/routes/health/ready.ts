import type { Deps } from '../../deps.ts';
import { problemResponse } from '../../http/problem.ts';
import type { Route } from '../../http/route.ts';
import { RETRY_AFTER_SECONDS } from '../../limits.ts';
import { healthAnswer } from '../messages/public-answers.ts';

/** GET /health/ready: the database answers, the feed is published, and this process is to stay. */
export function readyRoute(deps: Deps): Route {
  return {
    operationId: 'isReady',
    summary: 'Whether the database answers and the feed is published.',
    method: 'GET',
    path: '/health/ready',
    surface: 'all',
    permission: 'anonymous',
    isForAnyHost: true,
    answers: { 200: healthAnswer },
    handle: async ({ requestId }) => {
      const rule = await reasonToWait(deps, requestId);
      if (rule === undefined) return Response.json({ status: 'ok' });
      return problemResponse(
        { code: 'service_unavailable', message: rule },
        { 'Retry-After': String(RETRY_AFTER_SECONDS) },
      );
    },
  };
}

/** Throws `StoreUnavailable` when the database cannot answer. */
async function reasonToWait(deps: Deps, requestId: string): Promise<string | undefined> {
  if (deps.isStopping?.() === true) return 'The server is stopping.';
  await deps.database.check();
  return publisherProblem(deps, requestId);
}

async function publisherProblem(deps: Deps, requestId: string): Promise<string | undefined> {
  try {
    if (await deps.publisher.hasPublished()) return undefined;
    return 'The feed has not been published yet.';
  } catch (error) {
    // Whatever keeps the publisher from answering, the answer to "ready?" is no.
    const name = error instanceof Error ? error.name : 'unknown';
    deps.log('error', 'publisher_away', { request_id: requestId, error: name });
    return 'The publisher cannot be reached.';
  }
}
