/**
 * What the snapshot in memory is good for now: by its signed age, the bounds of the lanes, and what the
 * route asks. No I/O; time is an argument.
 */

import { ageSeconds, isFresh } from '@cardea/shared/feed/freshness';
import type { Refusal } from '@cardea/shared/refusals';
import { accept, type Result, refuse } from '@cardea/shared/result';
import { secondsOf, type UnixMilliseconds } from '@cardea/shared/time';
import type { FeedStatus, LaneStatus, StalePolicy, TrustedSnapshot } from './edge-feed.ts';
import type { FeedMemory } from './feed-memory.ts';
import { type Lane, type Lanes, lastOf } from './lane.ts';

export interface TrustRules {
  readonly lanes: Lanes;
  readonly clockSkewSeconds: number;
}

export interface Question {
  readonly now: UnixMilliseconds;
  readonly stale: StalePolicy;
}

/** Whether the bound of the lane is kept by what is held. */
export function isFreshBy(
  { held }: FeedMemory,
  { hardSeconds }: Pick<Lane, 'hardSeconds'>,
  { now, clockSkewSeconds }: { readonly now: UnixMilliseconds; readonly clockSkewSeconds: number },
): boolean {
  if (held === undefined) return false;
  return isFresh(held.snapshot, secondsOf(now), { hardSeconds, clockSkewSeconds });
}

/**
 * The snapshot with the best bound that it keeps: the preferred lane's; the fallback's, unless the route
 * is strict; or, on a route that stays open for a while, none. Otherwise `feed_stale` or `feed_invalid`.
 */
export function judge(
  memory: FeedMemory,
  { lanes, clockSkewSeconds }: TrustRules,
  { now, stale }: Question,
): Result<TrustedSnapshot> {
  const { held } = memory;
  const [preferred, fallback] = lanes;
  const isStrict = stale.strict === true;
  // What is strict is refused for want of the preferred lane, whatever became of the other one.
  const refusal = isStrict ? memory.lanes[preferred.name].refusal : memory.lastRefusal;
  if (held === undefined) return refuseFor(memory, refusal);
  const { snapshot } = held;
  const age = Math.max(0, ageSeconds(snapshot, secondsOf(now)));
  for (const lane of fallback === undefined || isStrict ? [preferred] : [preferred, fallback]) {
    if (!isFreshBy(memory, lane, { now, clockSkewSeconds })) continue;
    return accept({ snapshot, ageSeconds: age, lane: lane.name, ...outcomeOf(lane, preferred) });
  }
  const { name, hardSeconds } = lastOf(lanes);
  const open = { hardSeconds: hardSeconds + stale.openForSeconds };
  const mayStayOpen = !isStrict && stale.openForSeconds > 0;
  if (mayStayOpen && isFreshBy(memory, open, { now, clockSkewSeconds })) {
    return accept({ snapshot, ageSeconds: age, lane: name, degraded: true, isFallback: false });
  }
  return refuseFor(memory, refusal);
}

function outcomeOf(lane: Lane, preferred: Lane) {
  return { degraded: false, isFallback: lane !== preferred };
}

/** `feed_invalid` if the last question brought a document that does not verify, else `feed_stale`. */
function refuseFor({ partial }: FeedMemory, refusal: Refusal | undefined): Result<TrustedSnapshot> {
  if (partial !== undefined) return refuse('feed_stale', { rule: 'segments_loading' });
  return refuse(refusal?.reason ?? 'feed_stale', refusal?.evidence);
}

export function statusOf(
  memory: FeedMemory,
  { lanes, clockSkewSeconds }: TrustRules,
  now: UnixMilliseconds,
): FeedStatus {
  const snapshot = memory.held?.snapshot;
  const statuses = lanes
    .filter((lane) => lane !== undefined)
    .map((lane): LaneStatus => {
      const { refusal } = memory.lanes[lane.name];
      return {
        name: lane.name,
        hardSeconds: lane.hardSeconds,
        boundSeconds: lane.hardSeconds + clockSkewSeconds,
        fresh: isFreshBy(memory, lane, { now, clockSkewSeconds }),
        lastError: refusal === undefined ? undefined : codeOf(refusal),
      };
    });
  const { lastRefusal } = memory;
  return {
    seq: snapshot?.seq,
    issuedAtSeconds: snapshot?.issuedAtSeconds,
    ageSeconds:
      snapshot === undefined ? undefined : Math.max(0, ageSeconds(snapshot, secondsOf(now))),
    hardSeconds: lastOf(lanes).hardSeconds,
    fresh: statuses.at(-1)?.fresh ?? false,
    lane: statuses.find(({ fresh }) => fresh)?.name,
    lanes: statuses,
    isLoading: memory.partial !== undefined,
    macaroonKeys: {
      opened: snapshot?.macaroonKeys.size ?? 0,
      unopened: snapshot?.unopenedKids.length ?? 0,
    },
    entries: snapshot?.revocations.size ?? 0,
    entryBytes: snapshot?.revocations.byteLength ?? 0,
    lastError: lastRefusal === undefined ? undefined : codeOf(lastRefusal),
  };
}

function codeOf({ reason, evidence }: Refusal): string {
  return String(evidence?.rule ?? reason);
}
