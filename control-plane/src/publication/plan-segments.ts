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

/** Entries of one segment: 1.92 MB, below the 2 MB that a Durable Object keeps in one value. */
export const SEGMENT_ENTRIES_MAX = 160_000;
/** Entries that one flush takes: bounds a transaction of PostgreSQL to a fraction of a second. */
export const FLUSH_ENTRIES_MAX = 20_000;
/** More entries than these in the tail, and some of them move. About 44 kB of head. */
export const TAIL_ENTRIES_AIM = 2048;
/** Above it segments are made and relied on without waiting. About 1.4 MB of head. */
export const TAIL_ENTRIES_MAX = 65_536;
/** Segments of the tail on their way at once: in 120 s they take up four times what flows in in 30. */
const FLUSHES_UNDER_WAY_MAX = 4;

/** So many segments of one size become one. */
const FAN_IN = 4;
/** Entries at which the next size begins. Segments of the last one are merged only for want of space. */
const SIZES = [4 * TAIL_ENTRIES_AIM, 16 * TAIL_ENTRIES_AIM, 64 * TAIL_ENTRIES_AIM] as const;
/** More segments than these, and those of one bucket are merged whatever their sizes. */
const SEGMENTS_AIM = 20;
/** More than these, and those of different buckets are merged, too. */
const SEGMENTS_CROWDED = 26;

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
  const present = segments.filter(
    (segment) => segment.mergedInto === undefined && !isOver(segment, rules),
  );
  const waiting = tail.reduce((sum, { entryCount }) => sum + entryCount, 0);
  const flush = { kind: 'flush', bucket: fullestBucket(tail) } as const;
  const isTailLong = waiting > TAIL_ENTRIES_MAX / 2;
  if (isTailLong && present.length < FEED_SEGMENTS_MAX) return { ...flush, isUrgent: true };
  if (isTailLong || present.length > FEED_SEGMENTS_MAX) {
    const sources = smallestThatFit(present);
    return sources === undefined ? undefined : { kind: 'merge', sources, isUrgent: true };
  }
  const sources = chooseSources(present, rules);
  if (sources !== undefined) return { kind: 'merge', sources, isUrgent: false };
  const underWay = present.filter((segment) => !hasArrived(segment, rules)).length;
  const hasRoom = underWay < FLUSHES_UNDER_WAY_MAX && present.length < FEED_SEGMENTS_MAX;
  return waiting > TAIL_ENTRIES_AIM && hasRoom ? { ...flush, isUrgent: false } : undefined;
}

function fullestBucket(tail: readonly TailBucket[]): number {
  return tail.reduce((fullest, one) => (one.entryCount > fullest.entryCount ? one : fullest), {
    bucket: 0,
    entryCount: 0,
  }).bucket;
}

/** What is to be merged although nothing presses: only what edges read from segments already. */
function chooseSources(
  present: readonly StoredSegment[],
  rules: SegmentRules,
): readonly StoredSegment[] | undefined {
  const arrived = present.filter((segment) => hasArrived(segment, rules));
  const bucketOfSegment = ({ expiresAtSeconds }: StoredSegment) =>
    bucketOf(expiresAtSeconds, rules.bucketSeconds);
  const buckets = [...Map.groupBy(arrived, bucketOfSegment).values()];
  for (const bucket of buckets) {
    for (const [size, alike] of Map.groupBy(bucket, sizeOf)) {
      const sources = size < SIZES.length && alike.length >= FAN_IN && smallestThatFit(alike);
      if (sources) return sources;
    }
  }
  if (present.length <= SEGMENTS_AIM) return undefined;
  const candidates = buckets.map(smallestThatFit).filter((sources) => sources !== undefined);
  const [most] = candidates.sort((one, other) => other.length - one.length);
  return most ?? (present.length > SEGMENTS_CROWDED ? smallestThatFit(arrived) : undefined);
}

function sizeOf({ entryCount }: StoredSegment): number {
  const size = SIZES.findIndex((next) => entryCount < next);
  return size === -1 ? SIZES.length : size;
}

/** As many as fit into one segment, beginning with the smallest; `undefined` if no two do. */
function smallestThatFit(segments: readonly StoredSegment[]): StoredSegment[] | undefined {
  const rising = segments.toSorted((one, other) => one.entryCount - other.entryCount);
  const sources: StoredSegment[] = [];
  let entries = 0;
  for (const segment of rising) {
    entries += segment.entryCount;
    if (entries > SEGMENT_ENTRIES_MAX) break;
    sources.push(segment);
  }
  return sources.length < 2 ? undefined : sources;
}
