/**
 * Which segments a head names, and which ones' entries it carries itself because edges may not find the
 * object yet. Between the two every entry of every segment is in the head. Pure.
 */

import type { SegmentReference } from '@cardea/shared/feed/head';
import { FEED_ENTRIES_MAX, FEED_SEGMENTS_MAX } from '@cardea/shared/limits';
import { unixSeconds } from '@cardea/shared/time';
import { hasArrived, isOver, type PublicationRules, type StoredSegment } from './plan-segments.ts';

export interface SegmentChoice {
  readonly named: readonly StoredSegment[];
  /** The head carries their entries. */
  readonly inline: readonly StoredSegment[];
}

/** More entries than edges read, in more segments than they read: no head can tell them all. */
export class FeedFull extends Error {
  override readonly name = 'FeedFull';
}

/**
 * A segment is named once it has arrived. Until then one that was merged is represented by its sources,
 * and one that was made of the tail by its entries. What does not fit this way is named at once: an edge
 * that does not find it keeps what it has until its bound, while without a head all of them would.
 */
export function chooseSegments(
  segments: readonly StoredSegment[],
  tailEntryCount: number,
  rules: PublicationRules,
): SegmentChoice {
  const live = segments.filter((segment) => !isOver(segment, rules));
  const relied = new Set(live.filter((segment) => hasArrived(segment, rules)));
  for (;;) {
    const choice = represent(live, relied);
    const carried = choice.inline.reduce((sum, { entryCount }) => sum + entryCount, tailEntryCount);
    const isCrowded = choice.named.length > FEED_SEGMENTS_MAX;
    if (!isCrowded && (carried <= rules.limits.tailMax || choice.inline.length === 0)) {
      if (entriesOf(choice.named) > FEED_ENTRIES_MAX) throw new FeedFull();
      return choice;
    }
    const early = isCrowded ? mostSources(live, relied) : largest(choice.inline);
    if (early === undefined) throw new FeedFull();
    relied.add(early);
  }
}

/** How the head names them: each object once. Two may have the same content and different ends. */
export function referencesTo(named: readonly StoredSegment[]): readonly SegmentReference[] {
  const references = new Map<string, SegmentReference>();
  for (const { hash, entryCount, expiresAtSeconds } of named) {
    const end = Math.max(expiresAtSeconds, references.get(hash)?.expiresAtSeconds ?? 0);
    references.set(hash, { hash, entryCount, expiresAtSeconds: unixSeconds(end) });
  }
  return [...references.values()];
}

function represent(
  live: readonly StoredSegment[],
  relied: ReadonlySet<StoredSegment>,
): SegmentChoice {
  const sources = Map.groupBy(live, ({ mergedInto }) => mergedInto);
  const named: StoredSegment[] = [];
  const inline: StoredSegment[] = [];
  const visit = (segment: StoredSegment) => {
    const parts = sources.get(segment.segmentId) ?? [];
    if (relied.has(segment)) named.push(segment);
    else if (parts.length > 0) for (const part of parts) visit(part);
    else inline.push(segment);
  };
  const ids = new Set(live.map(({ segmentId }) => segmentId));
  for (const segment of live) {
    // Merged into one that was dropped: its entries live on in what that one became.
    if (segment.mergedInto === undefined || !ids.has(segment.mergedInto)) visit(segment);
  }
  return { named, inline };
}

/** Of those that are not relied on, the merged one whose sources take up most places. */
function mostSources(
  live: readonly StoredSegment[],
  relied: ReadonlySet<StoredSegment>,
): StoredSegment | undefined {
  const sources = Map.groupBy(live, ({ mergedInto }) => mergedInto);
  const countOf = ({ segmentId }: StoredSegment) => sources.get(segmentId)?.length ?? 0;
  const [most] = live
    .filter((segment) => !relied.has(segment) && countOf(segment) > 0)
    .sort((one, other) => countOf(other) - countOf(one));
  return most;
}

function largest(segments: readonly StoredSegment[]): StoredSegment | undefined {
  return segments.toSorted((one, other) => other.entryCount - one.entryCount)[0];
}

function entriesOf(segments: readonly StoredSegment[]): number {
  return segments.reduce((sum, { entryCount }) => sum + entryCount, 0);
}
