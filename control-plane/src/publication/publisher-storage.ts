/**
 * The port to what the publisher remembers. On Workers it is the hub's own SQLite, apart from the
 * database; on Node it is tables in PostgreSQL, beside the revocation rows themselves. What a method has
 * done is durable when it resolves. Throws `StoreUnavailable`.
 */

import type { RevocationEntry } from '@cardea/shared/feed/entry';
import type { UnixMilliseconds } from '@cardea/shared/time';
import type { PublicationState } from './plan-publication.ts';

/** An entry with its end. Times are the database's; the publisher's clock may differ by the skew. */
export interface LiveEntry extends RevocationEntry {
  readonly expiresAtSeconds: number;
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

  memory(): Promise<PublisherMemory>;

  /** Those of the scope ids (16 hexadecimal digits) that are revoked for good. */
  revokedForGood(scopeIds: readonly string[]): Promise<ReadonlySet<string>>;

  /** Makes `keyset` the newest. The same keyset again changes nothing. */
  takeKeyset(keyset: Keyset): Promise<void>;
  keyset(hash: string): Promise<Keyset | undefined>;
  takeAuditSeal(seal: string): Promise<void>;

  /**
   * Takes a sequence number (`nextSeq`) and reads the full live set, as one step: of two moments the one
   * with the higher number has all that the other one has. The caller has taken `stamp` before.
   * Entries that no living token can match are left out, after `clockSkewSeconds` of grace.
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
  attemptEnded(attempt: {
    readonly failures: number;
    readonly earliest: UnixMilliseconds;
    readonly error?: string;
  }): Promise<void>;
}

/** A live set of the publisher's own: rows are fetched into it, and it outlives the database. */
export interface EntriesApart {
  /**
   * Takes entries in: the later bound and the later end win, so nothing is ever un-revoked. All or
   * nothing.
   */
  takeEntries(entries: readonly LiveEntry[]): Promise<void>;
  /** By ascending scope id (16 hexadecimal digits). */
  liveEntries(page: EntryPage): Promise<readonly LiveEntry[]>;
  /** The mark that the database was last given (`restoration`); 0 for none. */
  mark(): Promise<number>;
  markMoved(mark: number): Promise<void>;
}

export interface EntryPage {
  readonly afterScopeId: string;
  readonly count: number;
}

/** How long a superseded keyset is still served, milliseconds: longer than any bound. */
export const KEYSET_KEPT_MILLISECONDS = 2 * 24 * 60 * 60 * 1000;
