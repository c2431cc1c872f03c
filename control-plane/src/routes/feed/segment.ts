import { z } from 'zod';
import type { Deps } from '../../deps.ts';
import { problemResponse } from '../../http/problem.ts';
import type { Route } from '../../http/route.ts';
import { feedUnavailable } from './unavailable.ts';

const SEGMENT = {
  mediaType: 'application/octet-stream',
  schema: z.string().meta({ description: 'Revocations of 12 bytes each (docs/feed.md, Entry).' }),
};

/**
 * GET /feed/v1/segment/{hash}: revocations that left the head. Its name proves it, so it may be kept for
 * good; former ones are served for an hour.
 */
export function feedSegmentRoute(deps: Deps): Route {
  return {
    operationId: 'getFeedSegment',
    summary: 'A segment that the head of the feed names by its hash.',
    method: 'GET',
    path: '/feed/v1/segment/{hash}',
    surface: 'public',
    permission: 'anonymous',
    isForAnyHost: true,
    answers: { 200: SEGMENT },
    handle: async ({ params }) => {
      const content = await deps.feed.segment(params.hash ?? '');
      if (content === undefined) return feedUnavailable();
      if (content === null) return problemResponse({ code: 'not_found' });
      const headers = {
        'Content-Type': SEGMENT.mediaType,
        'Cache-Control': 'public, max-age=86400, immutable',
      };
      return new Response(content, { headers });
    },
  };
}
