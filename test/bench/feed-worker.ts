/**
 * Runs inside workerd: the edge's feed over a million revocations, whose segments it holds. It applies
 * heads with other tails and looks scopes up, as often as a request asks for; what that takes is
 * measured from outside, in processor time.
 */

import { importFeedKeys } from '@cardea/shared/feed/feed-key';
import type { FeedSnapshot } from '@cardea/shared/feed/snapshot';
import { unixMilliseconds } from '@cardea/shared/time';
import { createEdgeFeed } from '../../edge-worker/src/feed/create-edge-feed.ts';
import type { EdgeFeed } from '../../edge-worker/src/feed/edge-feed.ts';
import { ENVIRONMENT_ID } from './feed-fixture.ts';
import { type LargeFeed, makeLargeFeed, readShapeParameters } from './large-feed.ts';

const CLOSED = { openForSeconds: 0 };
const SCOPES = 8192;

interface State {
  readonly fixture: LargeFeed;
  readonly feed: EdgeFeed;
  readonly scopes: ReadonlyArray<{ readonly high: number; readonly low: number }>;
}

let state: State | undefined;
/** The head that is read next. */
let at = 0;
/** Runs ahead, so that no refresh waits for its time. */
let nowMilliseconds = 0;

const clock = () => unixMilliseconds(nowMilliseconds);
const contextNow = () => ({ now: clock(), waitUntil: () => undefined });

async function start(searchParams: URLSearchParams): Promise<State> {
  nowMilliseconds = Date.now(); // Module scope has no clock.
  const nowSeconds = Math.floor(nowMilliseconds / 1000);
  const fixture = await makeLargeFeed({ ...readShapeParameters(searchParams), nowSeconds });
  const feedKeys = await importFeedKeys([fixture.feedPublicKey]);
  if (!feedKeys.ok) throw new Error(feedKeys.refusal.reason);
  const feed = createEdgeFeed({
    source: {
      readHead: async () => fixture.heads[at],
      readObject: async (name) => fixture.objects.get(name)?.buffer,
    },
    ...{ environmentId: ENVIRONMENT_ID, feedKeys: feedKeys.value, clock },
    ...{ hardSeconds: 86_400, clockSkewSeconds: 60 },
  });
  const random = crypto.getRandomValues(new Uint32Array(2 * SCOPES));
  const scopes = Array.from({ length: SCOPES }, (_, index) => ({
    ...{ high: random[2 * index] ?? 0, low: random[2 * index + 1] ?? 0 },
  }));
  for (let answer = await feed.snapshot(contextNow(), CLOSED); !answer.ok; ) {
    if (answer.refusal.evidence?.rule !== 'segments_loading') throw new Error('not loaded');
    answer = await feed.snapshot(contextNow(), CLOSED);
  }
  return { fixture, feed, scopes };
}

async function applyHeads({ feed }: State, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    at++;
    nowMilliseconds += 10_000;
    const answer = await feed.refreshForUnknownKey(contextNow(), CLOSED);
    if (!answer.ok) throw new Error(answer.refusal.reason);
  }
}

function lookUp(revocations: FeedSnapshot['revocations'], scopes: State['scopes'], count: number) {
  let found = 0;
  for (let n = 0; n < count; n++) {
    const scopeId = scopes[n % SCOPES];
    if (scopeId !== undefined && revocations.boundOf(scopeId) !== undefined) found++;
  }
  return found;
}

export default {
  async fetch(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    state ??= await start(searchParams);
    const count = Number(searchParams.get('count'));
    if (pathname === '/apply') await applyHeads(state, count);
    const answer = await state.feed.snapshot(contextNow(), CLOSED);
    if (!answer.ok) throw new Error(answer.refusal.reason);
    const { revocations, seq } = answer.value.snapshot;
    const found = pathname === '/lookup' ? lookUp(revocations, state.scopes, count) : 0;
    return Response.json({ seq, found, entries: revocations.size, bytes: revocations.byteLength });
  },
};
