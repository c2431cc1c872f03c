/**
 * Everything of the feed that outlives a request: plain data only, never a promise, response or stream.
 * In Workers a promise that belongs to another request may never settle; therefore time stamps, not
 * locks, keep refreshes apart: they run out by themselves when a request is cancelled in the middle.
 */

import type { Refusal } from '@cardea/shared/refusals';
import type { UnixMilliseconds } from '@cardea/shared/time';
import type { LaneName } from './lane.ts';
import { LOAD_WAIT_MILLISECONDS } from './limits.ts';
import type { LoadedFeed, PartialFeed } from './load-feed.ts';
import { SegmentShelf } from './segment-shelf.ts';

export interface FeedMemory {
  held: LoadedFeed | undefined;
  readonly shelf: SegmentShelf;
  /** A head whose segments are still to be checked, and who brought it: the next request goes on. */
  partial: (PartialFeed & { readonly lane: LaneName }) | undefined;
  /** Start of the last refresh of any kind. The lease: until it runs out nobody else begins one. */
  attemptedAt: UnixMilliseconds | undefined;
  /** Start of the last refresh that an unknown key forced. */
  forcedAt: UnixMilliseconds | undefined;
  /** Why the last refresh failed, if it did by every lane that it tried. */
  lastRefusal: Refusal | undefined;
  /** Whether the last refresh to begin has not come to its end. True for good if it was cancelled. */
  isLoading: boolean;
  readonly lanes: Readonly<Record<LaneName, LaneMemory>>;
}

export interface LaneMemory {
  /** Start of the last question for its head. */
  askedAt: UnixMilliseconds | undefined;
  /** Why the last question to end failed, if it did. */
  refusal: Refusal | undefined;
}

export function emptyMemory(): FeedMemory {
  const laneMemory = (): LaneMemory => ({ askedAt: undefined, refusal: undefined });
  return {
    held: undefined,
    shelf: new SegmentShelf(),
    partial: undefined,
    attemptedAt: undefined,
    forcedAt: undefined,
    lastRefusal: undefined,
    isLoading: false,
    lanes: { a: laneMemory(), b: laneMemory() },
  };
}

/** Whether a request is at a refresh, as far as can be told: one that was cancelled cannot say so. */
export function isUnderWay({ isLoading, attemptedAt }: FeedMemory, now: UnixMilliseconds): boolean {
  return isLoading && !isPast(attemptedAt, now, LOAD_WAIT_MILLISECONDS);
}

/** A part of a feed is gone on with at once; a whole one is asked for again after `period`. */
export function isDue(memory: FeedMemory, now: UnixMilliseconds, period: number): boolean {
  if (memory.partial !== undefined && !isUnderWay(memory, now)) return true;
  return isPast(memory.attemptedAt, now, period);
}

/** Whether `now` is `period` away from `since`, either way: a clock that jumps back stops nothing. */
export function isPast(
  since: UnixMilliseconds | undefined,
  now: UnixMilliseconds,
  periodMilliseconds: number,
): boolean {
  return since === undefined || Math.abs(now - since) >= periodMilliseconds;
}
