import type { Deps } from '../../deps.ts';
import type { Route } from '../../http/route.ts';
import { feedUnavailable } from './unavailable.ts';

/**
 * GET /feed/v1/head: the signed head, about a second old. For edges that do not read KV, or not
 * only (docs/feed.md, lane B).
 */
export function feedHeadRoute(deps: Deps): Route {
  return {
    operationId: 'getFeedHead',
    method: 'GET',
    path: '/feed/v1/head',
    surface: 'public',
    permission: 'anonymous',
    isForAnyHost: true,
    handle: async ({ raw }) => {
      const head = await deps.feed.head();
      if (head === undefined) return feedUnavailable();
      const headers = { ETag: head.etag, 'Cache-Control': 'no-store' };
      if (raw.headers.get('if-none-match') === head.etag) {
        return new Response(null, { status: 304, headers });
      }
      // RFC 7515 §9.2.1: a JWS in compact form.
      const type = { 'Content-Type': 'application/jose' };
      return new Response(head.compactJws, { headers: { ...headers, ...type } });
    },
  };
}
