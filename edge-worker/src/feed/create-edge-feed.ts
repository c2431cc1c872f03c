/**
 * The edge's memory of the feed and the rules by which it is refreshed (docs/feed.md).
 *
 * The memory outlives requests, so it holds plain data only: no promise, response or stream. In
 * Workers a promise that belongs to another request may never settle; therefore no request waits for
 * another one's refresh. A time stamp, not a lock, keeps refreshes apart: it runs out by itself when a
 * request is cancelled in the middle. An overlap is harmless: a snapshot is swapped in one step, and
 * only for a newer one.
 */

import type { FeedKeys } from '@cardea/shared/feed/feed-key';
import { acceptHead, ageSeconds, isFresh } from '@cardea/shared/feed/freshness';
import type { EdgeIdentity } from '@cardea/shared/feed/sealed-key';
import type { Refusal } from '@cardea/shared/refusals';
import { accept, type Result, refuse } from '@cardea/shared/result';
import { secondsOf, type UnixMilliseconds } from '@cardea/shared/time';
import type {
  EdgeFeed,
  FeedStatus,
  RequestContext,
  StalePolicy,
  TrustedSnapshot,
} from './edge-feed.ts';
import type { FeedSource } from './feed-source.ts';
import {
  FORCED_REFRESH_MILLISECONDS,
  IDLE_POLLS_MAX,
  LOAD_POLL_MILLISECONDS,
  LOAD_WAIT_MILLISECONDS,
  REFRESH_MILLISECONDS,
  STALE_REFRESH_MILLISECONDS,
} from './limits.ts';
import { type LoadedFeed, loadFeed, type PartialFeed } from './load-feed.ts';
import { SegmentShelf } from './segment-shelf.ts';

export interface EdgeFeedOptions {
  readonly source: FeedSource;
  /** A head of another environment is refused. */
  readonly environmentId: string;
  /** From `importFeedKeys`. */
  readonly feedKeys: FeedKeys;
  /** Age of the head, by its signed `iat`, from which on it is not trusted. */
  readonly hardSeconds: number;
  readonly clockSkewSeconds: number;
  /** Without it no macaroon key is opened. */
  readonly edgeIdentity?: EdgeIdentity | undefined;
  /** Read after every wait: a snapshot must not look younger by the time that a refresh took. */
  readonly clock: () => UnixMilliseconds;
  /**
   * Waits on a timer of the calling request. With it, requests that reach a cold isolate while others
   * load the feed wait for it to appear in memory; without it they are refused at once.
   */
  readonly pause?: (milliseconds: number) => Promise<void>;
  /** Entries of segments that are checked without a break, if not {@link PORTION_ENTRIES_MAX}. */
  readonly portionEntriesMax?: number;
}

/** Everything that outlives a request. */
interface FeedMemory {
  held: LoadedFeed | undefined;
  readonly shelf: SegmentShelf;
  /** Set if the last refresh ended with segments still to be checked: the next request goes on. */
  partial: PartialFeed | undefined;
  /** Start of the last refresh of any kind. The lease: until it runs out nobody else begins one. */
  attemptedAt: UnixMilliseconds | undefined;
  /** Start of the last refresh that an unknown key forced. */
  forcedAt: UnixMilliseconds | undefined;
  lastRefusal: Refusal | undefined;
  /** Whether the last refresh to begin has not come to its end. True for good if it was cancelled. */
  isLoading: boolean;
}

export function createEdgeFeed(options: EdgeFeedOptions): EdgeFeed {
  const memory: FeedMemory = {
    held: undefined,
    shelf: new SegmentShelf(),
    partial: undefined,
    attemptedAt: undefined,
    forcedAt: undefined,
    lastRefusal: undefined,
    isLoading: false,
  };
  // Half the bound where that is less: a short bound must not run out between two refreshes.
  const refreshMilliseconds = Math.min(REFRESH_MILLISECONDS, options.hardSeconds * 500);

  const refreshThenJudge = async (request: RequestContext, stale: StalePolicy) => {
    const work = refresh(memory, options, request.now);
    // The refresh goes on for the others if this client hangs up.
    request.waitUntil(work);
    await work;
    return memory.partial !== undefined
      ? awaitLoad(memory, options, { request, stale, hasHelped: true })
      : judge(memory, options, { now: options.clock(), stale });
  };

  return {
    snapshot(request, stale) {
      const { now } = request;
      if (isHeldFresh(memory, options, now)) {
        if (isDue(memory, now, refreshMilliseconds)) {
          request.waitUntil(refresh(memory, options, now));
        }
        return judge(memory, options, { now, stale });
      }
      if (options.pause !== undefined && isWorthWaiting(memory, now)) {
        return awaitLoad(memory, options, { request, stale, hasHelped: false });
      }
      if (!isDue(memory, now, STALE_REFRESH_MILLISECONDS)) {
        return judge(memory, options, { now, stale });
      }
      return refreshThenJudge(request, stale);
    },

    async refreshForUnknownKey(request, stale) {
      const { now } = request;
      if (!isPast(memory.forcedAt, now, FORCED_REFRESH_MILLISECONDS)) {
        return judge(memory, options, { now, stale });
      }
      memory.forcedAt = now;
      return refreshThenJudge(request, stale);
    },

    status: (now) => statusOf(memory, options, now),
  };
}

/**
 * Reads the feed once and swaps the snapshot if a newer one was built. Never throws for an outage. A
 * head with many segments takes several of these.
 */
async function refresh(
  memory: FeedMemory,
  options: EdgeFeedOptions,
  startedAt: UnixMilliseconds,
): Promise<void> {
  memory.attemptedAt = startedAt;
  memory.isLoading = true;
  const loaded = await loadFeed(memory, options);
  memory.isLoading = false;
  memory.partial = undefined;
  memory.lastRefusal = undefined;
  if (!loaded.ok) memory.lastRefusal = loaded.refusal;
  else if (loaded.value.kind === 'partial') memory.partial = loaded.value.partial;
  else swap(memory, options, loaded.value.feed);
}

/** Whether a request is at a refresh, as far as can be told: one that was cancelled cannot say so. */
function isUnderWay({ isLoading, attemptedAt }: FeedMemory, now: UnixMilliseconds): boolean {
  return isLoading && !isPast(attemptedAt, now, LOAD_WAIT_MILLISECONDS);
}

/** A part of a feed is gone on with at once; a whole one is asked for again after `period`. */
function isDue(memory: FeedMemory, now: UnixMilliseconds, period: number): boolean {
  if (memory.partial !== undefined && !isUnderWay(memory, now)) return true;
  return isPast(memory.attemptedAt, now, period);
}

/** A cold isolate whose first load is under way, or a feed that is there in part. */
function isWorthWaiting(memory: FeedMemory, now: UnixMilliseconds): boolean {
  if (memory.partial !== undefined) return true;
  return memory.held === undefined && isUnderWay(memory, now);
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
 * itself; a second one would be more than one request should pay for.
 */
async function awaitLoad(
  memory: FeedMemory,
  options: EdgeFeedOptions,
  { request, stale, hasHelped }: Waiting,
): Promise<Result<TrustedSnapshot>> {
  const { clock, pause } = options;
  let mayHelp = !hasHelped;
  let idlePolls = 0;
  for (;;) {
    const now = clock();
    const isOver = isHeldFresh(memory, options, now) || !isWorthWaiting(memory, now);
    if (isOver || isPast(request.now, now, LOAD_WAIT_MILLISECONDS)) break;
    if (isUnderWay(memory, now)) {
      idlePolls = 0;
    } else if (mayHelp) {
      mayHelp = false;
      const work = refresh(memory, options, now);
      request.waitUntil(work);
      await work;
      continue;
    } else if (++idlePolls > IDLE_POLLS_MAX) {
      break;
    }
    if (pause === undefined) break;
    await pause(LOAD_POLL_MILLISECONDS);
  }
  return judge(memory, options, { now: clock(), stale });
}

/** Asks again, without waiting in between, what another refresh may have changed meanwhile. */
function swap(memory: FeedMemory, options: EdgeFeedOptions, loaded: LoadedFeed): void {
  const verdict = acceptHead(memory.held?.snapshot, loaded.snapshot, {
    environmentId: options.environmentId,
    nowSeconds: secondsOf(options.clock()),
    clockSkewSeconds: options.clockSkewSeconds,
  });
  if (verdict.ok && verdict.value === 'replace') memory.held = loaded;
}

interface Question {
  readonly now: UnixMilliseconds;
  readonly stale: StalePolicy;
}

function judge(
  memory: FeedMemory,
  options: EdgeFeedOptions,
  { now, stale }: Question,
): Result<TrustedSnapshot> {
  const { held } = memory;
  const nowSeconds = secondsOf(now);
  if (held === undefined) return refuseFor(memory);
  const { snapshot } = held;
  const age = Math.max(0, ageSeconds(snapshot, nowSeconds));
  if (isFresh(snapshot, nowSeconds, options)) {
    return accept({ snapshot, ageSeconds: age, degraded: false });
  }
  const openSeconds = options.hardSeconds + stale.openForSeconds;
  if (isFresh(snapshot, nowSeconds, { ...options, hardSeconds: openSeconds })) {
    return accept({ snapshot, ageSeconds: age, degraded: true });
  }
  return refuseFor(memory);
}

/** `feed_invalid` if the last refresh met a document that does not verify, else `feed_stale`. */
function refuseFor({ partial, lastRefusal }: FeedMemory): Result<TrustedSnapshot> {
  if (partial !== undefined) return refuse('feed_stale', { rule: 'segments_loading' });
  return refuse(lastRefusal?.reason ?? 'feed_stale', lastRefusal?.evidence);
}

function statusOf(
  { held, lastRefusal }: FeedMemory,
  options: EdgeFeedOptions,
  now: UnixMilliseconds,
): FeedStatus {
  const snapshot = held?.snapshot;
  const nowSeconds = secondsOf(now);
  const rule = lastRefusal?.evidence?.rule;
  return {
    seq: snapshot?.seq,
    issuedAtSeconds: snapshot?.issuedAtSeconds,
    ageSeconds: snapshot === undefined ? undefined : Math.max(0, ageSeconds(snapshot, nowSeconds)),
    hardSeconds: options.hardSeconds,
    fresh: snapshot !== undefined && isFresh(snapshot, nowSeconds, options),
    macaroonKeys: {
      opened: snapshot?.macaroonKeys.size ?? 0,
      unopened: snapshot?.unopenedKids.length ?? 0,
    },
    lastError: lastRefusal === undefined ? undefined : String(rule ?? lastRefusal.reason),
  };
}

function isHeldFresh(
  { held }: FeedMemory,
  options: EdgeFeedOptions,
  now: UnixMilliseconds,
): boolean {
  return held !== undefined && isFresh(held.snapshot, secondsOf(now), options);
}

/** Whether `now` is `period` away from `since`, either way: a clock that jumps back stops nothing. */
function isPast(
  since: UnixMilliseconds | undefined,
  now: UnixMilliseconds,
  periodMilliseconds: number,
): boolean {
  return since === undefined || Math.abs(now - since) >= periodMilliseconds;
}
