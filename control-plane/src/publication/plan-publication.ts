/**
 * What the publisher writes next, from what its own storage holds. Pure: no clock, no I/O.
 *
 * The order of writing is the caller's duty: the objects of the plan first, then the head.
 */

import { ENTRY_BYTES } from '@cardea/shared/feed/entry';
import type { UnsignedHead } from '@cardea/shared/feed/head';
import { secondsOf, type UnixMilliseconds } from '@cardea/shared/time';
import { chooseSegments, referencesTo } from './segments/choose-segments.ts';
import { isOver, type PublicationRules, type StoredSegment } from './segments/plan-segments.ts';
import { mergeContents } from './segments/segment-content.ts';

/** A keyset object in the publisher's storage. */
export interface StoredKeyset {
  readonly hash: string;
  /** When KV first confirmed the object, and when it last did; absent before. */
  readonly firstWrittenAt?: UnixMilliseconds;
  readonly lastWrittenAt?: UnixMilliseconds;
}

/** Everything that a head is made of, read in one go after the stamp was taken. */
export interface PublicationState {
  readonly environmentId: string;
  /** Of the head to come: taken together with the read ({@link nextSeq}). */
  readonly seq: number;
  /**
   * Every live entry that is in no segment: 12 bytes each, sorted by scope id (`shared/feed/entry`). With
   * the segments it is the full live set, never what is new since some mark.
   */
  readonly tail: Uint8Array<ArrayBuffer>;
  /** All that were not dropped. */
  readonly segments: readonly StoredSegment[];
  /** The keyset that the last written head names. */
  readonly reliedKeysetHash?: string;
  /** Known keysets, oldest first: the last one is what should be published. */
  readonly keysets: readonly StoredKeyset[];
  /** Whether heads must name the newest keyset, arrived or not: a key is about to end by it alone. */
  readonly isNewestKeysetDue?: boolean;
  /** The newest seal of the audit log, if there is one. */
  readonly auditSeal?: string;
}

export interface PublicationPlan {
  /** To write before the head: what it names, and the keyset that is next. */
  readonly keysetsToWrite: readonly string[];
  readonly segmentsToWrite: readonly StoredSegment[];
  /** To write after the head, for one that will name it: nobody waits for it. */
  readonly segmentToPrepare?: StoredSegment;
  /** Not a head yet: it lacks the entries of these ({@link completeHead}). */
  readonly inline: readonly StoredSegment[];
  readonly headWithoutInline: UnsignedHead;
}

/**
 * Milliseconds between the first write of an object and the first head that relies on it. KV serves a
 * cached miss for a while, so no edge may be sent to an object that has not arrived. Nothing waits
 * for it: a new key is not used for a bound after its publication, a leaked one is revoked by an
 * entry in the head, and entries of a new segment stay in the head until then.
 */
export const OBJECT_ARRIVAL_MILLISECONDS = 120_000;

/** How old the copy in KV of a keyset in use may be before it is written again. */
export const KEYSET_REFRESH_MILLISECONDS = 24 * 60 * 60 * 1000;

/** Grows with each stamp, also when the storage was lost or the clock went back. */
export function nextSeq(lastSeq: number, stamp: UnixMilliseconds): number {
  return Math.max(lastSeq + 1, stamp);
}

/**
 * The next head, stamped `rules.stamp`, or `undefined` while there is no keyset. The stamp must have been
 * taken before `state` was read: the head's `iat` says what it contains, not when it was signed. Throws
 * `FeedFull` if there is more than edges read.
 */
export function planPublication(
  state: PublicationState,
  rules: PublicationRules,
): PublicationPlan | undefined {
  const { stamp } = rules;
  const keysetHash = chooseKeyset(state, rules);
  if (keysetHash === undefined) return undefined;
  const newest = state.keysets.at(-1);
  const inUse = state.keysets.filter(({ hash }) => hash === keysetHash || hash === newest?.hash);
  const { named, inline } = chooseSegments(state.segments, state.tail.length / ENTRY_BYTES, rules);
  const segmentToPrepare = state.segments.find(
    (segment) =>
      segment.writtenAt === undefined &&
      segment.mergedInto === undefined &&
      !isOver(segment, rules) &&
      !named.includes(segment),
  );
  return {
    keysetsToWrite: inUse
      .filter((keyset) => isDueForWriting(keyset, stamp))
      .map(({ hash }) => hash),
    segmentsToWrite: named.filter(({ writtenAt }) => writtenAt === undefined),
    ...(segmentToPrepare === undefined ? {} : { segmentToPrepare }),
    inline,
    headWithoutInline: {
      environmentId: state.environmentId,
      seq: state.seq,
      issuedAtSeconds: secondsOf(stamp),
      keysetHash,
      segments: referencesTo(named),
      tail: state.tail,
      ...(state.auditSeal === undefined ? {} : { auditSeal: state.auditSeal }),
    },
  };
}

/** The head, with the entries of the segments that it may not name yet: `contents` of all `inline`. */
export function completeHead(
  { headWithoutInline: head, inline }: PublicationPlan,
  contents: ReadonlyMap<string, Uint8Array>,
): UnsignedHead {
  if (inline.length === 0) return head;
  const carried = inline.map(({ hash }) => {
    const content = contents.get(hash);
    if (content === undefined) throw new TypeError('The content of a segment is not there.');
    return content;
  });
  return { ...head, tail: mergeContents([head.tail, ...carried]) };
}

/**
 * The newest keyset that has arrived, or is due; else the one relied on already, else the newest at all.
 * An edge that cannot read what is due keeps the head before, for no longer than its bound.
 */
function chooseKeyset(
  state: PublicationState,
  { stamp, arrivalMilliseconds }: PublicationRules,
): string | undefined {
  const newest = state.keysets.at(-1);
  const relied = state.keysets.find(({ hash }) => hash === state.reliedKeysetHash);
  // The very first head has no predecessor whose keyset could bridge the time: no edge is running.
  if (relied === undefined || newest === undefined) return newest?.hash;
  if (arrivalMilliseconds === 0 || state.isNewestKeysetDue === true) return newest.hash;
  const arrived = newest.firstWrittenAt;
  const isThere = arrived !== undefined && arrived + arrivalMilliseconds <= stamp;
  return isThere ? newest.hash : relied.hash;
}

function isDueForWriting({ lastWrittenAt }: StoredKeyset, stamp: UnixMilliseconds): boolean {
  return lastWrittenAt === undefined || lastWrittenAt + KEYSET_REFRESH_MILLISECONDS <= stamp;
}
