/**
 * The edge's memory of the feed and the rules by which it is refreshed (docs/feed.md).
 *
 * No request waits for another one's refresh: a promise of another request may never settle in Workers.
 * It looks into the memory. An overlap is harmless: a snapshot is swapped in one step, and only for a
 * newer one.
 */

import type { Result } from '@cardea/shared/result';
import type { UnixMilliseconds } from '@cardea/shared/time';
import type { EdgeFeed, RequestContext, StalePolicy, TrustedSnapshot } from './edge-feed.ts';
import { emptyMemory, type FeedMemory, isDue, isPast, isUnderWay } from './feed-memory.ts';
import { type LaneOptions, lanesOf } from './lane.ts';
import {
  FORCED_REFRESH_MILLISECONDS,
  HELPED_POLL_MILLISECONDS,
  LOAD_POLL_MILLISECONDS,
  LOAD_WAIT_MILLISECONDS,
  STALE_REFRESH_MILLISECONDS,
} from './limits.ts';
import { type RefreshOptions, refresh } from './refresh.ts';
import { isFreshBy, judge, statusOf } from './trust.ts';

export interface EdgeFeedOptions extends LaneOptions, Omit<RefreshOptions, 'lanes'> {
  /**
   * Waits on a timer of the calling request. With it, requests that reach a cold isolate while others
   * load the feed wait for it to appear in memory; without it they are refused at once.
   */
  readonly pause?: (milliseconds: number) => Promise<void>;
  /** One request may load a large feed whole: where requests do not pay for processor time. */
  readonly loadsAlone?: boolean;
}

interface Settled extends RefreshOptions, Pick<EdgeFeedOptions, 'pause' | 'loadsAlone'> {}

export function createEdgeFeed(options: EdgeFeedOptions): EdgeFeed {
  const memory = emptyMemory();
  const settled: Settled = { ...options, lanes: lanesOf(options) };
  const { lanes, clock, clockSkewSeconds } = settled;
  const [preferred] = lanes;

  const refreshThenJudge = async (request: RequestContext, stale: StalePolicy) => {
    const work = refresh(memory, settled, request.now);
    // The refresh goes on for the others if this client hangs up.
    request.waitUntil(work);
    await work;
    return memory.partial !== undefined
      ? awaitLoad(memory, settled, { request, stale, hasHelped: true })
      : judge(memory, settled, { now: clock(), stale });
  };

  return {
    snapshot(request, stale) {
      const { now } = request;
      const isSatisfied =
        isFreshBy(memory, preferred, { now, clockSkewSeconds }) ||
        isContentWithFallback(memory, settled, { now, stale });
      if (isSatisfied) {
        if (isRefreshDue(memory, settled, now)) request.waitUntil(refresh(memory, settled, now));
        return judge(memory, settled, { now, stale });
      }
      if (settled.pause !== undefined && isWorthWaiting(memory, settled, now)) {
        return awaitLoad(memory, settled, { request, stale, hasHelped: false });
      }
      if (!isDue(memory, now, STALE_REFRESH_MILLISECONDS)) {
        return judge(memory, settled, { now, stale });
      }
      return refreshThenJudge(request, stale);
    },

    async refreshForUnknownKey(request, stale) {
      const { now } = request;
      if (!isPast(memory.forcedAt, now, FORCED_REFRESH_MILLISECONDS)) {
        return judge(memory, settled, { now, stale });
      }
      memory.forcedAt = now;
      return refreshThenJudge(request, stale);
    },

    status: (now) => statusOf(memory, settled, now),
  };
}

interface Asked {
  readonly now: UnixMilliseconds;
  readonly stale: StalePolicy;
}

/**
 * Whether a route that may fall back does so at once: the publisher is away, which the last question
 * showed, or its head is being loaded; nobody is kept waiting for either. If it was only not asked for
 * a while it is asked first.
 */
function isContentWithFallback(
  memory: FeedMemory,
  { lanes, clockSkewSeconds }: Settled,
  { now, stale }: Asked,
): boolean {
  const [preferred, fallback] = lanes;
  if (fallback === undefined || stale.strict) return false;
  const isAway = memory.lanes[preferred.name].refusal !== undefined;
  if (!isAway && memory.partial === undefined) return false;
  return isFreshBy(memory, fallback, { now, clockSkewSeconds });
}

/** In the background, one at a time: the publisher is asked more often than an answer may take. */
function isRefreshDue(memory: FeedMemory, { lanes }: Settled, now: UnixMilliseconds): boolean {
  const [{ name, refreshMilliseconds }] = lanes;
  if (name === 'b' && isUnderWay(memory, now)) return false;
  return isDue(memory, now, refreshMilliseconds);
}

/**
 * A feed that is there in part; a cold isolate whose first load is under way; and a publisher that is
 * being asked after a quiet time and was not away before.
 */
function isWorthWaiting(memory: FeedMemory, { lanes }: Settled, now: UnixMilliseconds): boolean {
  if (memory.partial !== undefined) return true;
  if (!isUnderWay(memory, now)) return false;
  if (memory.held === undefined) return true;
  const [{ name }] = lanes;
  return name === 'b' && memory.lanes[name].refusal === undefined;
}

interface Waiting {
  readonly request: RequestContext;
  readonly stale: StalePolicy;
  /** Whether this request has checked its portion. */
  readonly hasHelped: boolean;
}

/**
 * Looks into the memory again and again, on a timer of this request: nothing is shared with the
 * request that loads, which may be cancelled at any time. If nobody is at it, it does one portion
 * itself; a second one would be more than one request should pay for, so from then on it waits only as
 * long as others go on.
 */
async function awaitLoad(
  memory: FeedMemory,
  settled: Settled,
  { request, stale, hasHelped }: Waiting,
): Promise<Result<TrustedSnapshot>> {
  const { clock, pause, lanes, clockSkewSeconds } = settled;
  const { loadsAlone = false } = settled;
  let mayHelp = loadsAlone || !hasHelped;
  let attemptSeen: UnixMilliseconds | undefined;
  for (;;) {
    const now = clock();
    const isOver =
      !isWorthWaiting(memory, settled, now) ||
      isFreshBy(memory, lanes[0], { now, clockSkewSeconds }) ||
      isContentWithFallback(memory, settled, { now, stale });
    if (isOver || isPast(request.now, now, LOAD_WAIT_MILLISECONDS)) break;
    if (!isUnderWay(memory, now)) {
      if (mayHelp) {
        mayHelp = loadsAlone;
        const work = refresh(memory, settled, now);
        request.waitUntil(work);
        await work;
        continue;
      }
      if (memory.attemptedAt === attemptSeen) break;
      attemptSeen = memory.attemptedAt;
    }
    if (pause === undefined) break;
    await pause(mayHelp ? LOAD_POLL_MILLISECONDS : HELPED_POLL_MILLISECONDS);
  }
  return judge(memory, settled, { now: clock(), stale });
}
