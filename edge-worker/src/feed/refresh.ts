/**
 * One refresh: the lanes are asked in turn until one of them has an answer, and the snapshot is swapped
 * if a newer one was built. A head with many segments takes several of these.
 */

import type { FeedKeys } from '@cardea/shared/feed/feed-key';
import { acceptHead } from '@cardea/shared/feed/freshness';
import type { EdgeIdentity } from '@cardea/shared/feed/sealed-key';
import { secondsOf, type UnixMilliseconds } from '@cardea/shared/time';
import { type FeedMemory, isPast } from './feed-memory.ts';
import type { Lane, Lanes } from './lane.ts';
import { type LoadedFeed, loadFeed } from './load-feed.ts';
import { isFreshBy } from './trust.ts';

export interface RefreshOptions {
  readonly lanes: Lanes;
  /** A head of another environment is refused. */
  readonly environmentId: string;
  /** From `importFeedKeys`. */
  readonly feedKeys: FeedKeys;
  readonly clockSkewSeconds: number;
  /** Without it no macaroon key is opened. */
  readonly edgeIdentity?: EdgeIdentity | undefined;
  /** Read after every wait: a snapshot must not look younger by the time that a refresh took. */
  readonly clock: () => UnixMilliseconds;
  readonly portionEntriesMax?: number | undefined;
}

/** Never throws for an outage: what came of it is in the memory. */
export async function refresh(
  memory: FeedMemory,
  options: RefreshOptions,
  startedAt: UnixMilliseconds,
): Promise<void> {
  memory.attemptedAt = startedAt;
  memory.isLoading = true;
  const [preferred, fallback] = options.lanes;
  if (!(await refreshBy(preferred, memory, options)) && fallback !== undefined) {
    if (isFallbackDue(fallback, memory, options)) await refreshBy(fallback, memory, options);
  }
  memory.isLoading = false;
}

/** Whether the lane had an answer, an earlier one included. */
async function refreshBy(
  lane: Lane,
  memory: FeedMemory,
  options: RefreshOptions,
): Promise<boolean> {
  const own = memory.lanes[lane.name];
  const now = options.clock();
  const isAskedOften = !isPast(own.askedAt, now, lane.refreshMilliseconds);
  const begun = memory.partial?.lane === lane.name ? memory.partial : undefined;
  // What was begun a moment ago goes on under the head that it began with.
  const isGoingOn = begun !== undefined && isAskedOften;
  // The publisher is never asked more often than that, whoever wants to know.
  if (lane.name === 'b' && isAskedOften && !isGoingOn) return own.refusal === undefined;
  if (!isGoingOn) own.askedAt = now;
  const { held, partial, shelf } = memory;
  const loaded = await loadFeed(
    { held, partial, shelf },
    { ...options, source: lane.source, isHeadKnown: isGoingOn },
  );
  own.refusal = memory.lastRefusal = loaded.ok ? undefined : loaded.refusal;
  if (!loaded.ok) {
    if (memory.partial?.lane === lane.name) memory.partial = undefined;
    return false;
  }
  const pass = loaded.value;
  memory.partial = pass.kind === 'partial' ? { ...pass.partial, lane: lane.name } : undefined;
  if (pass.kind === 'whole') swap(memory, options, pass.feed);
  return true;
}

/** KV is read as often as without a lane B, or when what is held is good for nothing. */
function isFallbackDue(lane: Lane, memory: FeedMemory, options: RefreshOptions): boolean {
  const now = options.clock();
  if (memory.partial?.lane === lane.name) return true;
  if (!isFreshBy(memory, lane, { now, clockSkewSeconds: options.clockSkewSeconds })) return true;
  return isPast(memory.lanes[lane.name].askedAt, now, lane.refreshMilliseconds);
}

/** Asks again, without waiting in between, what another refresh may have changed meanwhile. */
function swap(memory: FeedMemory, options: RefreshOptions, loaded: LoadedFeed): void {
  const verdict = acceptHead(memory.held?.snapshot, loaded.snapshot, {
    environmentId: options.environmentId,
    nowSeconds: secondsOf(options.clock()),
    clockSkewSeconds: options.clockSkewSeconds,
  });
  if (verdict.ok && verdict.value === 'replace') memory.held = loaded;
}
