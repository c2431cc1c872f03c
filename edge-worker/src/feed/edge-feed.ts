/**
 * What the pipeline asks of the feed. On the hot path the answer comes synchronously from memory;
 * only a stale or empty memory makes a request wait (at most one a second, the others are refused).
 */

import type { FeedSnapshot } from '@cardea/shared/feed/snapshot';
import type { Result } from '@cardea/shared/result';
import type { UnixMilliseconds, UnixSeconds } from '@cardea/shared/time';
import type { LaneName } from './lane.ts';

/** Time and background work of one request. Never kept beyond it. */
export interface RequestContext {
  readonly now: UnixMilliseconds;
  waitUntil(work: Promise<unknown>): void;
}

export interface TrustedSnapshot {
  readonly snapshot: FeedSnapshot;
  readonly ageSeconds: number;
  /** The lane whose bound the snapshot keeps; the last one's if it keeps none. */
  readonly lane: LaneName;
  /** True when the publisher is away and the snapshot keeps KV's bound only: must be logged. */
  readonly isFallback: boolean;
  /** True when only the route's `open_for_seconds` lets this snapshot be used: must be logged. */
  readonly degraded: boolean;
}

/** What a route does without a fresh feed. */
export interface StalePolicy {
  /** Seconds beyond the bound for which a route stays open; 0 means closed. */
  readonly openForSeconds: number;
  /** Refuse where the bound of the preferred lane is not kept, instead of falling back to KV's. */
  readonly strict?: boolean;
}

export interface LaneStatus {
  readonly name: LaneName;
  readonly hardSeconds: number;
  /** After an acknowledged revocation nothing is accepted by this lane for longer (docs/feed.md). */
  readonly boundSeconds: number;
  /** Whether what is held keeps the bound now. */
  readonly fresh: boolean;
  /** Why its last question failed, a stable code, if it did. */
  readonly lastError: string | undefined;
}

export interface FeedStatus {
  /** `undefined` while nothing has been loaded. */
  readonly seq: number | undefined;
  readonly issuedAtSeconds: UnixSeconds | undefined;
  readonly ageSeconds: number | undefined;
  /** Of the last lane: what holds for routes that are not strict. */
  readonly hardSeconds: number;
  readonly fresh: boolean;
  /** The lane whose bound is kept now, the best one; `undefined` if none is. */
  readonly lane: LaneName | undefined;
  /** In the order in which they are asked. */
  readonly lanes: readonly LaneStatus[];
  /** Whether segments of a newer head are still to be checked. */
  readonly isLoading: boolean;
  /** Of the macaroon keys sealed for this edge: how many opened, and how many did not. */
  readonly macaroonKeys: { readonly opened: number; readonly unopened: number };
  /** Revocations held, and the bytes that they take with their filters. */
  readonly entries: number;
  readonly entryBytes: number;
  /** Why the last refresh failed, a stable code, if it did. */
  readonly lastError: string | undefined;
}

export interface EdgeFeed {
  /** Refuses with `feed_stale` or `feed_invalid`. */
  snapshot(
    request: RequestContext,
    stale: StalePolicy,
  ): Result<TrustedSnapshot> | Promise<Result<TrustedSnapshot>>;
  /**
   * One forced refresh because a token names a `kid` that the snapshot lacks, at most once in 10 s
   * per isolate. Answers the snapshot after it, or the same one if no refresh was due.
   */
  refreshForUnknownKey(
    request: RequestContext,
    stale: StalePolicy,
  ): Promise<Result<TrustedSnapshot>>;
  status(now: UnixMilliseconds): FeedStatus;
}
