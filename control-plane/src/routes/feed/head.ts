import type { Deps } from '../../deps.ts';
import type { Route } from '../../http/route.ts';
import { feedUnavailable } from './unavailable.ts';

/**
 * GET /feed/v1/head: the signed head, at most a second old. For edges that do not read KV, or not
 * only (docs/feed.md, lane B).
 */
export function feedHeadRoute(deps: Deps): Route {
  return {
    operationId: 'getFeedHead',
    method: 'GET',
    path: '/feed/v1/head',
    surface: 'all',
    permission: 'anonymous',
    handle: async ({ raw }) => {
      const answer = await deps.feed.head(raw.headers.get('if-none-match'));
      if (answer === undefined || answer.outcome === 'none') return feedUnavailable();
      const headers = { ETag: answer.etag, 'Cache-Control': 'no-store' };
      if (answer.outcome === 'unchanged') return new Response(null, { status: 304, headers });
      // RFC 7515 §9.2.1: a JWS in compact form.
      const type = { 'Content-Type': 'application/jose' };
      return new Response(answer.compactJws, { headers: { ...headers, ...type } });
    },
  };
}
