/**
 * The port to what the publisher remembers. On Workers it is the hub's own SQLite, apart from the
 * database; on Node it is tables in PostgreSQL, beside the revocation rows themselves. What a method has
 * done is durable when it resolves. Throws `StoreUnavailable`.
 */

import type { RevocationEntry } from '@cardea/shared/feed/entry';
import type { UnixMilliseconds } from '@cardea/shared/time';
import type { PublicationState } from './plan-publication.ts';
import { SEGMENT_LIMITS, type SegmentState, type StoredSegment } from './segments/plan-segments.ts';

/** An entry with its end. Times are the database's; the publisher's clock may differ by the skew. */
export interface LiveEntry extends RevocationEntry {
  readonly expiresAtSeconds: number;
  /** Never put into a segment: signing keys and the scope of everything (docs/feed.md). */
  readonly staysInline?: boolean;
}

export interface Keyset {
  readonly hash: string;
  readonly text: string;
  readonly kids: readonly string[];
}

export interface PublisherMemory {
  /** Whether what earlier heads promised has been gathered (`recover`). */
  readonly isRecovered: boolean;
  /** The highest sequence number used up. */
  readonly seq: number;
  /** Whether there is something that the last written head does not tell. */
  readonly isChangeWaiting: boolean;
  /** Of the last head that KV has confirmed, and when it did. */
  readonly publishedSeq?: number;
  readonly publishedAt?: UnixMilliseconds;
  readonly keysetHash?: string;
  /** The newest seal of the audit log. */
  readonly auditSeal?: string;
  /** Failed attempts in a row, when the next one may begin, and the name of the last error. */
  readonly failures: number;
  readonly earliest: UnixMilliseconds;
  readonly lastError?: string;
}

/** The state that a head is made of, and how much of what changed it contains. */
export interface Moment extends Omit<PublicationState, 'environmentId'> {
  readonly change: number;
}

export interface PublisherStorage {
  /**
   * Absent where the storage is the database: there the live set is the revocation rows, so that a
   * revocation is in it as soon as its cause is committed.
   */
  readonly apart?: EntriesApart;
  /** The part of the live set that has left the tail. */
  readonly segments: SegmentStorage;

  memory(): Promise<PublisherMemory>;

  /** Those of the scope ids (16 hexadecimal digits) of signing keys that are revoked for good. */
  revokedForGood(scopeIds: readonly string[]): Promise<ReadonlySet<string>>;

  /** Makes `keyset` the newest. The same keyset again changes nothing. */
  takeKeyset(keyset: Keyset): Promise<void>;
  keyset(hash: string): Promise<Keyset | undefined>;
  takeAuditSeal(seal: string): Promise<void>;

  /**
   * Takes a sequence number (`nextSeq`) and reads the full live set (the tail, and which segments there
   * are), as one step: of two moments the one with the higher number has all that the other one has. The
   * caller has taken `stamp` before. Entries of the tail that no living token can match are left out,
   * after `clockSkewSeconds` of grace. Rejects if the tail has more than {@link TAIL_ENTRIES_READ_MAX}.
   */
  takeMoment(stamp: UnixMilliseconds, clockSkewSeconds: number): Promise<Moment>;

  keysetWritten(hash: string, at: UnixMilliseconds): Promise<void>;
  headWritten(head: {
    readonly seq: number;
    readonly keysetHash: string;
    /** Of the moment that the head was made from. */
    readonly change: number;
    readonly at: UnixMilliseconds;
  }): Promise<void>;
  /** All that earlier heads promised has been taken in; every later number is above `lowestSeq`. */
  recovered(lowestSeq: number): Promise<void>;
  /** The feed's store has none of the objects that it once confirmed: they are to be written again. */
  objectsLost(): Promise<void>;
  attemptEnded(attempt: {
    readonly failures: number;
    readonly earliest: UnixMilliseconds;
    readonly error?: string;
  }): Promise<void>;
}

/** Segments and what they are made of. Their contents never change; all numbers are those of `plan-segments`. */
export interface SegmentStorage {
  /** The present ones, and how those entries of the tail that may leave it are spread. */
  state(rules: Omit<TailFlush, 'bucket' | 'entriesMax'>): Promise<SegmentState>;
  /** Those that were not dropped. */
  present(): Promise<readonly StoredSegment[]>;
  /**
   * Makes a segment of the bucket's entries, those that end first; they leave the tail. One step. Answers how
   * many they were.
   */
  flush(flush: TailFlush): Promise<number>;
  /** Stores a segment that has all entries of `sources`. One step. Rejects if a content is not there. */
  merge(merge: SegmentMerge): Promise<void>;
  /** By hash, also of one that was dropped less than {@link SEGMENT_KEPT_MILLISECONDS} ago. */
  content(hash: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
  written(hash: string, at: UnixMilliseconds): Promise<void>;
  /** No head names these any more. Removes what was dropped long ago. */
  drop(segmentIds: readonly number[], at: UnixMilliseconds): Promise<void>;
}

export interface NewSegment extends Omit<StoredSegment, 'segmentId' | 'mergedInto'> {
  readonly bucket: number;
  readonly content: Uint8Array<ArrayBuffer>;
}

export interface SegmentMerge extends Pick<NewSegment, 'bucket' | 'expiresAtSeconds'> {
  readonly sources: readonly StoredSegment[];
}

export interface TailFlush {
  readonly bucket: number;
  readonly bucketSeconds: number;
  readonly entriesMax: number;
  /** Entries that end before this second are left to be forgotten. */
  readonly expiresAtSecondsMin: number;
}

/** A live set of the publisher's own: rows are fetched into it, and it outlives the database. */
export interface EntriesApart {
  /**
   * Takes entries into the tail: the later bound and the later end win, so nothing is ever un-revoked.
   * All or nothing.
   */
  takeEntries(entries: readonly LiveEntry[]): Promise<void>;
  /** Takes a segment over that the feed's store has. One that is there already stays as it is. */
  adopt(segment: NewSegment): Promise<void>;
  /** Of the tail, by ascending scope id (16 hexadecimal digits). */
  tailEntries(page: EntryPage): Promise<readonly LiveEntry[]>;
  /** The mark that the database was last given (`restoration`); 0 for none. */
  mark(): Promise<number>;
  /** Ends a comparison as well. */
  markMoved(mark: number): Promise<void>;
  /**
   * What was taken since the recovery and has not been found in the database yet
   * (`entriesFound`), oldest first: a database that falls back behind its mark lacks nothing else.
   */
  takenEntries(page: TakenPage): Promise<readonly TakenEntry[]>;
  /** The number of the one that was taken last; no later one gets it again. 0 if there is none. */
  lastTaken(): Promise<number>;
  /** The database has the entries of these numbers, both ends included. */
  entriesFound(run: { readonly from: number; readonly to: number }): Promise<void>;
  /** How far the comparison with a restored database has come, if one is under way. */
  restorationProgress(): Promise<RestorationProgress | undefined>;
  restorationWent(progress: RestorationProgress): Promise<void>;
}

export interface TakenEntry extends LiveEntry {
  /** Rises with each entry that is taken. */
  readonly number: number;
}

/** Of entries with numbers above `after`, up to `last`. */
export interface TakenPage {
  readonly after: number;
  readonly last: number;
  readonly count: number;
}

export interface EntryPage {
  readonly afterScopeId: string;
  readonly count: number;
}

export interface RestorationProgress {
  /** The mark that the database was given when the comparison began. */
  readonly mark: number;
  /** What was compared in full: hashes of segments, the tail. */
  readonly compared: readonly string[];
  /** Of the one that is being compared: up to which entry. */
  readonly afterScopeId: string;
  readonly restored: number;
}

/** How long a superseded keyset is still served, milliseconds: longer than any bound. */
export const KEYSET_KEPT_MILLISECONDS = 2 * 24 * 60 * 60 * 1000;

/** How long a superseded segment is still served to whoever has just read an older head, milliseconds. */
export const SEGMENT_KEPT_MILLISECONDS = 60 * 60 * 1000;

/** Entries of the tail that are read at once, at most: the head would be longer than edges read. */
export const TAIL_ENTRIES_READ_MAX = 2 * SEGMENT_LIMITS.tailMax;

/** The tail is to be made shorter before a head can be made. */
export class TailTooLong extends Error {
  override readonly name = 'TailTooLong';
}
