import type { Deps } from '../../deps.ts';
import { problemResponse } from '../../http/problem.ts';
import type { Route } from '../../http/route.ts';
import { feedUnavailable } from './unavailable.ts';

const SHA256_HEX = /^[0-9a-f]{64}$/;

/** GET /feed/v1/keyset/{hash}: the object that a head names. Its name proves it, so it may be kept. */
export function feedKeysetRoute(deps: Deps): Route {
  return {
    operationId: 'getFeedKeyset',
    method: 'GET',
    path: '/feed/v1/keyset/{hash}',
    surface: 'all',
    permission: 'anonymous',
    handle: async ({ params }) => {
      const { hash = '' } = params;
      const answer = SHA256_HEX.test(hash) ? await deps.feed.keyset(hash) : { text: null };
      if (answer === undefined) return feedUnavailable();
      if (answer.text === null) return problemResponse({ code: 'not_found' });
      const headers = {
        'Content-Type': 'application/json',
        'Cache-Control': 'public, max-age=86400, immutable',
      };
      return new Response(answer.text, { headers });
    },
  };
}
