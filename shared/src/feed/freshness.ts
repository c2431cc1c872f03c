/**
 * When a head may be used and when a new one takes its place. Time is an argument.
 *
 * Trust goes by the age that the publisher signed, never by the time of arrival: whoever delays the
 * feed on its way makes it old, not valid.
 */

import { accept, type Result, refuse } from '../result.ts';
import type { UnixSeconds } from '../time.ts';
import { refuseFeed } from './feed-rule.ts';

/** What of a head or a snapshot decides about its age and its place in the order. */
export interface HeadPosition {
  readonly environmentId: string;
  readonly seq: number;
  readonly issuedAtSeconds: UnixSeconds;
}

export interface FreshnessRule {
  /** Age from which on a snapshot is not trusted. */
  readonly hardSeconds: number;
  /** Tolerated difference between the publisher's clock and ours. */
  readonly clockSkewSeconds: number;
}

/** Seconds since the publisher's stamp; negative if its clock is ahead of ours. */
export function ageSeconds(head: HeadPosition, nowSeconds: UnixSeconds): number {
  return nowSeconds - head.issuedAtSeconds;
}

/**
 * Whether the head may be trusted now: `−skew <= age < hard`. The lower end matters when the local
 * clock jumps back: without it an old head would look young for as long as the jump.
 */
export function isFresh(head: HeadPosition, nowSeconds: UnixSeconds, rule: FreshnessRule): boolean {
  const age = ageSeconds(head, nowSeconds);
  return age >= -rule.clockSkewSeconds && age < rule.hardSeconds;
}

export interface Acceptance {
  readonly environmentId: string;
  readonly nowSeconds: UnixSeconds;
  readonly clockSkewSeconds: number;
}

/**
 * Whether a verified head takes the place of the one held: `replace`, or `keep` for the same or an
 * older stamp of the same `seq`. Refuses with `feed_invalid` another environment and an `iat` further
 * ahead than the skew, and with `feed_stale` a lower `seq` (`head_older`: KV may answer with a former
 * value, an attacker may put one back; in both cases what is held stays).
 * An old `iat` is no refusal: {@link isFresh} decides what such a head is good for.
 */
export function acceptHead(
  held: HeadPosition | undefined,
  next: HeadPosition,
  { environmentId, nowSeconds, clockSkewSeconds }: Acceptance,
): Result<'replace' | 'keep'> {
  if (next.environmentId !== environmentId) return refuseFeed('head_environment');
  if (next.issuedAtSeconds > nowSeconds + clockSkewSeconds) return refuseFeed('head_in_future');
  if (held === undefined || next.seq > held.seq) return accept('replace');
  if (next.seq < held.seq) return refuse('feed_stale', { rule: 'head_older' });
  return accept(next.issuedAtSeconds > held.issuedAtSeconds ? 'replace' : 'keep');
}
