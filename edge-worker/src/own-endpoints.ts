/** What the edge answers itself, under `/.cardea/`: never forwarded, no token needed, no secrets. */

import type { EdgeFeed, FeedStatus, LaneStatus, RequestContext } from './feed/edge-feed.ts';

/**
 * The answer to `health` or `ready`, `undefined` for any other name. `segments` are those of the path
 * after `/.cardea`. Being ready means having a fresh feed; asking loads one if there is none.
 */
export async function answerOwnEndpoint(
  segments: readonly string[],
  context: RequestContext,
  feed: EdgeFeed,
): Promise<Response | undefined> {
  if (segments.length !== 1) return undefined;
  if (segments[0] === 'health') return answer(200, { status: 'ok' });
  if (segments[0] !== 'ready') return undefined;
  // Only for its effect: the status tells what came of it.
  await feed.snapshot(context, { openForSeconds: 0 });
  const status = feed.status(context.now);
  return answer(status.fresh ? 200 : 503, {
    status: status.fresh ? 'ready' : 'not_ready',
    feed: feedOf(status),
  });
}

function feedOf(status: FeedStatus) {
  return {
    seq: status.seq ?? null,
    issued_at: status.issuedAtSeconds ?? null,
    age_seconds: status.ageSeconds ?? null,
    hard_seconds: status.hardSeconds,
    // After an acknowledged revocation no edge accepts for longer than this (docs/feed.md).
    bound_seconds: status.lanes.at(-1)?.boundSeconds ?? null,
    fresh: status.fresh,
    lane: status.lane ?? null,
    lanes: Object.fromEntries(status.lanes.map((lane) => [lane.name, laneOf(lane)])),
    loading: status.isLoading,
    revocations: { entries: status.entries, bytes: status.entryBytes },
    macaroon_keys: status.macaroonKeys,
    last_error: status.lastError ?? null,
  };
}

function laneOf({ hardSeconds, boundSeconds, fresh, lastError }: LaneStatus) {
  return {
    hard_seconds: hardSeconds,
    bound_seconds: boundSeconds,
    fresh,
    last_error: lastError ?? null,
  };
}

function answer(status: number, body: unknown): Response {
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'cache-control': 'no-store',
  };
  if (status === 503) headers['retry-after'] = '1';
  return new Response(JSON.stringify(body), { status, headers });
}
