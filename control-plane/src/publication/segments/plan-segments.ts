/**
 * How revocations move from the head into segments, and segments into larger ones. Pure: no clock, no
 * I/O. A segment is made of entries of the tail, or merged from others; its content never changes.
 *
 * Entries whose end lies in the same stretch of time share a bucket, so that a segment ends soon after
 * its last entry. Within a bucket four segments of a size become one of the next, so an entry is
 * rewritten a few times in its life and there are never more than {@link FEED_SEGMENTS_MAX}.
 */

import { FEED_SEGMENTS_MAX } from '@cardea/shared/limits';
import { secondsOf, type UnixMilliseconds, type UnixSeconds } from '@cardea/shared/time';

/** A segment in the publisher's storage that was not dropped. */
export interface StoredSegment {
  /** Rises with each segment that is made. */
  readonly segmentId: number;
  /** SHA-256 of the content, lowercase hexadecimal. */
  readonly hash: string;
  readonly entryCount: number;
  /** When its last entry stops mattering. */
  readonly expiresAtSeconds: UnixSeconds;
  /** When the feed's store confirmed the object; absent before. */
  readonly writtenAt?: UnixMilliseconds;
  /** The segment that has its entries as well. */
  readonly mergedInto?: number;
}

/** Entries in no segment whose end lies in one bucket; without those that stay in the head. */
export interface TailBucket {
  readonly bucket: number;
  readonly entryCount: number;
}

export interface SegmentState {
  readonly segments: readonly StoredSegment[];
  readonly tail: readonly TailBucket[];
}

/** By which a head is planned. */
export interface PublicationRules {
  readonly stamp: UnixMilliseconds;
  /** Grace after an end: the clocks of the database and of the publisher may differ. */
  readonly clockSkewSeconds: number;
  /** Between the first confirmed write of an object and the first head that relies on it. */
  readonly arrivalMilliseconds: number;
  readonly limits: SegmentLimits;
}

/** By which segments are. */
export interface SegmentRules extends PublicationRules {
  /** Width of a bucket ({@link bucketSecondsOf}). */
  readonly bucketSeconds: number;
}

export type SegmentStep =
  | { readonly kind: 'flush'; readonly bucket: number; readonly isUrgent: boolean }
  | {
      readonly kind: 'merge';
      readonly sources: readonly StoredSegment[];
      readonly isUrgent: boolean;
    };

/** Buckets that the longest life of an entry spans. Live entries stand in one more at the most. */
const BUCKETS = 6;
const BUCKET_SECONDS_MIN = 60;

/** Numbers of entries. */
export interface SegmentLimits {
  /** More than these in the tail, and some of them move. */
  readonly tailAim: number;
  /** Above it segments are made and relied on without waiting. */
  readonly tailMax: number;
  /** That one flush takes. */
  readonly flushMax: number;
  readonly segmentMax: number;
}

export const SEGMENT_LIMITS: SegmentLimits = {
  /** About 44 kB of head. */
  tailAim: 2048,
  /** About 1.4 MB of head. */
  tailMax: 65_536,
  /** Bounds a transaction of PostgreSQL to a fraction of a second. */
  flushMax: 5000,
  /** 1.92 MB, below the 2 MB that a Durable Object keeps in one value. */
  segmentMax: 160_000,
};

/** Segments of the tail on their way at once: in 120 s they take up four times what flows in in 30. */
const FLUSHES_UNDER_WAY_MAX = 4;

/** So many segments of one size become one. */
const FAN_IN = 4;
/** In a bucket that is not the newest: so many become one, whatever their sizes. */
const FAN_IN_OF_OLD = 3;
/** Sizes of a segment: up to 4, 16 and 64 tails. What is larger is merged only for want of space. */
const SIZES = [FAN_IN, FAN_IN ** 2, FAN_IN ** 3] as const;
/** More segments than these, and those of one bucket are merged whatever their sizes. */
const SEGMENTS_AIM = 24;
/** More than these, and those of different buckets are merged, too. */
const SEGMENTS_CROWDED = 28;

/** Seconds of one bucket, from the longest life of an entry. */
export function bucketSecondsOf(entryLivesSeconds: number): number {
  return Math.max(BUCKET_SECONDS_MIN, Math.ceil(entryLivesSeconds / BUCKETS));
}

export function bucketOf(expiresAtSeconds: number, bucketSeconds: number): number {
  return Math.floor(expiresAtSeconds / bucketSeconds);
}

/** No token that an entry of it could match is alive. */
export function isOver(
  { expiresAtSeconds }: Pick<StoredSegment, 'expiresAtSeconds'>,
  { stamp, clockSkewSeconds }: Pick<PublicationRules, 'stamp' | 'clockSkewSeconds'>,
): boolean {
  return expiresAtSeconds + clockSkewSeconds < secondsOf(stamp);
}

/** The object has been in the feed's store for so long that every edge finds it. */
export function hasArrived({ writtenAt }: StoredSegment, rules: PublicationRules): boolean {
  if (rules.arrivalMilliseconds === 0) return true;
  return writtenAt !== undefined && writtenAt + rules.arrivalMilliseconds <= rules.stamp;
}

/** Segments that no head from now on names: those that are over, or have arrived as part of another. */
export function superseded(
  segments: readonly StoredSegment[],
  rules: SegmentRules,
): readonly StoredSegment[] {
  const byId = new Map(segments.map((segment) => [segment.segmentId, segment]));
  const isPartOfArrived = ({ mergedInto }: StoredSegment): boolean => {
    if (mergedInto === undefined) return false;
    const merged = byId.get(mergedInto);
    // One that was dropped already was itself a part of another.
    return merged === undefined || hasArrived(merged, rules) || isPartOfArrived(merged);
  };
  return segments.filter((segment) => isOver(segment, rules) || isPartOfArrived(segment));
}

/**
 * The next step towards fewer and larger segments and a short tail; `undefined` if there is nothing to
 * do. One that is urgent is to be followed by the next one before a head is made.
 */
export function planSegmentStep(
  { segments, tail }: SegmentState,
  rules: SegmentRules,
): SegmentStep | undefined {
  const { segmentMax, tailAim, tailMax } = rules.limits;
  const present = segments.filter(
    (segment) => segment.mergedInto === undefined && !isOver(segment, rules),
  );
  const waiting = tail.reduce((sum, { entryCount }) => sum + entryCount, 0);
  const flush = { kind: 'flush', bucket: fullestBucket(tail) } as const;
  const isTailLong = waiting > tailMax / 2;
  if (isTailLong && present.length < FEED_SEGMENTS_MAX) return { ...flush, isUrgent: true };
  if (isTailLong || present.length > FEED_SEGMENTS_MAX) {
    const sources = smallestThatFit(present, segmentMax);
    return sources === undefined ? undefined : { kind: 'merge', sources, isUrgent: true };
  }
  const sources = chooseSources(present, rules);
  if (sources !== undefined) return { kind: 'merge', sources, isUrgent: false };
  const underWay = present.filter((segment) => !hasArrived(segment, rules)).length;
  const hasRoom = underWay < FLUSHES_UNDER_WAY_MAX && present.length < FEED_SEGMENTS_MAX;
  return waiting > tailAim && hasRoom ? { ...flush, isUrgent: false } : undefined;
}

function fullestBucket(tail: readonly TailBucket[]): number {
  const [fullest] = tail.toSorted((one, other) => other.entryCount - one.entryCount);
  return fullest?.bucket ?? 0;
}

/** What is to be merged although nothing presses: only what edges read from segments already. */
function chooseSources(
  present: readonly StoredSegment[],
  rules: SegmentRules,
): readonly StoredSegment[] | undefined {
  const { segmentMax, tailAim } = rules.limits;
  const arrived = present.filter((segment) => hasArrived(segment, rules));
  const sizeOf = ({ entryCount }: StoredSegment) =>
    SIZES.filter((tails) => entryCount >= tails * tailAim).length;
  const buckets = Map.groupBy(arrived, ({ expiresAtSeconds }) =>
    bucketOf(expiresAtSeconds, rules.bucketSeconds),
  );
  const newest = Math.max(...buckets.keys());
  for (const [bucket, segments] of buckets) {
    const growing = segments.filter((segment) => sizeOf(segment) < SIZES.length);
    // Little is added to a bucket that is not the newest: what is left there becomes one.
    const alike = bucket === newest ? Map.groupBy(growing, sizeOf).values() : [growing];
    for (const group of alike) {
      const isDue = group.length >= (bucket === newest ? FAN_IN : FAN_IN_OF_OLD);
      const sources = isDue ? smallestThatFit(group, segmentMax) : undefined;
      if (sources !== undefined) return sources;
    }
  }
  if (present.length <= SEGMENTS_AIM) return undefined;
  const [cheapest] = [...buckets.values()]
    .map((bucket) => cheapestMerge(bucket, segmentMax))
    .sort((one, other) => costOf(one) - costOf(other));
  if (cheapest !== undefined && cheapest.length > 0) return cheapest;
  return present.length > SEGMENTS_CROWDED ? smallestThatFit(arrived, segmentMax) : undefined;
}

/** Of the smallest two, three, ... that fit, those that cost least; none if no two do. */
function cheapestMerge(
  segments: readonly StoredSegment[],
  entriesMax: number,
): readonly StoredSegment[] {
  const fitting = smallestThatFit(segments, entriesMax) ?? [];
  const [cheapest] = fitting
    .map((_, index) => fitting.slice(0, index + 1))
    .sort((one, other) => costOf(one) - costOf(other));
  return cheapest ?? [];
}

/** Entries rewritten for each segment that there are fewer of afterwards. */
function costOf(sources: readonly StoredSegment[]): number {
  if (sources.length < 2) return Number.POSITIVE_INFINITY;
  const entries = sources.reduce((sum, { entryCount }) => sum + entryCount, 0);
  return entries / (sources.length - 1);
}

/** As many as fit into one segment, beginning with the smallest; `undefined` if no two do. */
function smallestThatFit(
  segments: readonly StoredSegment[],
  entriesMax: number,
): readonly StoredSegment[] | undefined {
  const rising = segments.toSorted((one, other) => one.entryCount - other.entryCount);
  const sources: StoredSegment[] = [];
  let entries = 0;
  for (const segment of rising) {
    entries += segment.entryCount;
    if (entries > entriesMax) break;
    sources.push(segment);
  }
  return sources.length < 2 ? undefined : sources;
}
