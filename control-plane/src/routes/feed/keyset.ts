import type { Deps } from '../../deps.ts';
import { problemResponse } from '../../http/problem.ts';
import type { Route } from '../../http/route.ts';
import { feedKeysetAnswer } from '../messages/public-answers.ts';
import { feedUnavailable } from './unavailable.ts';

/**
 * GET /feed/v1/keyset/{hash}: the object that the head names. Its name proves it, so it may be kept; former
 * ones are served for two days.
 */
export function feedKeysetRoute(deps: Deps): Route {
  return {
    operationId: 'getFeedKeyset',
    summary: 'The keyset that the head of the feed names by its hash.',
    method: 'GET',
    path: '/feed/v1/keyset/{hash}',
    surface: 'public',
    permission: 'anonymous',
    isForAnyHost: true,
    answers: { 200: feedKeysetAnswer },
    handle: async ({ params }) => {
      const text = await deps.feed.keyset(params.hash ?? '');
      if (text === undefined) return feedUnavailable();
      if (text === null) return problemResponse({ code: 'not_found' });
      const headers = {
        'Content-Type': 'application/json',
        'Cache-Control': 'public, max-age=86400, immutable',
      };
      return new Response(text, { headers });
    },
  };
}
