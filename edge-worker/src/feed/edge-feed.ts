/**
 * What the pipeline asks of the feed. On the hot path the answer comes synchronously from memory;
 * only a stale or empty memory makes a request wait (at most one a second, the others are refused).
 */

import type { FeedSnapshot } from '@cardea/shared/feed/snapshot';
import type { Result } from '@cardea/shared/result';
import type { UnixMilliseconds, UnixSeconds } from '@cardea/shared/time';

/** Time and background work of one request. Never kept beyond it. */
export interface RequestContext {
  readonly now: UnixMilliseconds;
  waitUntil(work: Promise<unknown>): void;
}

export interface TrustedSnapshot {
  readonly snapshot: FeedSnapshot;
  readonly ageSeconds: number;
  /** True when only the route's `open_for_seconds` lets this snapshot be used: must be logged. */
  readonly degraded: boolean;
}

/** Seconds beyond the bound for which a route stays open; 0 means closed. */
export interface StalePolicy {
  readonly openForSeconds: number;
}

export interface FeedStatus {
  /** `undefined` while nothing has been loaded. */
  readonly seq: number | undefined;
  readonly issuedAtSeconds: UnixSeconds | undefined;
  readonly ageSeconds: number | undefined;
  readonly hardSeconds: number;
  readonly fresh: boolean;
  /** Of the macaroon keys sealed for this edge: how many opened, and how many did not. */
  readonly macaroonKeys: { readonly opened: number; readonly unopened: number };
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
