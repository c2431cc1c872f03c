import { z } from 'zod';
import type { Deps } from '../../deps.ts';
import type { Route } from '../../http/route.ts';
import { feedUnavailable } from './unavailable.ts';

/** RFC 7515 §9.2.1. */
const HEAD = {
  mediaType: 'application/jose',
  schema: z.string().meta({ description: 'A JWS in compact form.' }),
};

/**
 * GET /feed/v1/head: the signed head, about a second old. For edges that do not read KV, or not
 * only (docs/feed.md, lane B). What they say they hold is shown to operators.
 */
export function feedHeadRoute(deps: Deps): Route {
  return {
    operationId: 'getFeedHead',
    summary: 'The signed head of the feed: keys and revocations for edges that do not read KV.',
    method: 'GET',
    path: '/feed/v1/head',
    surface: 'public',
    permission: 'anonymous',
    isForAnyHost: true,
    answers: { 200: HEAD, 304: null },
    handle: async ({ raw }) => {
      deps.edgeSightings.seen(raw.headers.get('cardea-edge'));
      const head = await deps.feed.head();
      if (head === undefined) return feedUnavailable();
      const headers = { ETag: head.etag, 'Cache-Control': 'no-store' };
      if (isHeld(raw.headers.get('if-none-match'), head.etag)) {
        return new Response(null, { status: 304, headers });
      }
      const type = { 'Content-Type': HEAD.mediaType };
      return new Response(head.compactJws, { headers: { ...headers, ...type } });
    },
  };
}

/** RFC 9110 §13.1.2: one tag of a list, compared weakly, or any at all. */
function isHeld(ifNoneMatch: string | null, etag: string): boolean {
  const tags = (ifNoneMatch ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes(etag) || tags.includes('*');
}
