/**
 * The two ways by which heads come to an edge (docs/feed.md, "Lanes"): `a` is KV, always somewhat
 * behind; `b` asks the publisher. An edge has either or both; with both, B is used and A stands by.
 */

import type { FeedSource } from './feed-source.ts';
import { REFRESH_MILLISECONDS } from './limits.ts';

export type LaneName = 'a' | 'b';

export interface Lane {
  readonly name: LaneName;
  readonly source: FeedSource;
  /** Age of the head, by its signed `iat`, from which on this lane's bound is not kept. */
  readonly hardSeconds: number;
  /** Between two questions for the head, while its answers are fresh. */
  readonly refreshMilliseconds: number;
}

export type Lanes = readonly [preferred: Lane, fallback?: Lane];

export interface LaneOptions {
  /** Where heads and objects are read. */
  readonly source: FeedSource;
  readonly hardSeconds: number;
  /** Which lane that is: B if there is no KV. */
  readonly lane?: LaneName;
  /** The publisher, to be asked before KV. */
  readonly laneB?: { readonly source: FeedSource; readonly hardSeconds: number } | undefined;
}

export function lanesOf({ source, hardSeconds, lane = 'a', laneB }: LaneOptions): Lanes {
  const only = laneOf(lane, { source, hardSeconds });
  return laneB === undefined ? [only] : [laneOf('b', laneB), only];
}

/** Half the bound where that is less: a short bound must not run out between two refreshes. */
function laneOf(name: LaneName, rest: Pick<Lane, 'source' | 'hardSeconds'>): Lane {
  const refreshMilliseconds = Math.min(REFRESH_MILLISECONDS[name], rest.hardSeconds * 500);
  return { name, ...rest, refreshMilliseconds };
}

/** The lane whose bound holds if all others fail: what routes fall back to, unless they are strict. */
export function lastOf([preferred, fallback]: Lanes): Lane {
  return fallback ?? preferred;
}
