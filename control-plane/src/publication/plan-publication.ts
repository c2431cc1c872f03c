/**
 * What the publisher writes next, from what its own storage holds. Pure: no clock, no I/O.
 *
 * The order of writing is the caller's duty: the objects of the plan first, then the head.
 */

import type { RevocationEntry } from '@cardea/shared/feed/entry';
import type { FeedHead } from '@cardea/shared/feed/head';
import { secondsOf, type UnixMilliseconds } from '@cardea/shared/time';

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
  /** The full live set, sorted by scope id. Never what is new since some mark. */
  readonly entries: readonly RevocationEntry[];
  /** The keyset that the last written head names. */
  readonly reliedKeysetHash?: string;
  /** Known keysets, oldest first: the last one is what should be published. */
  readonly keysets: readonly StoredKeyset[];
  /** The newest seal of the audit log, if there is one. */
  readonly auditSeal?: string;
}

export interface PublicationPlan {
  /** Keysets to write before the head, whether or not this head names them. */
  readonly keysetsToWrite: readonly string[];
  readonly head: FeedHead;
}

/**
 * Milliseconds between the first write of a keyset and the first head that names it. KV serves a
 * cached miss for a while, so no edge may be sent to an object that has not arrived. Nothing waits
 * for it: a new key is not used for a bound after its publication, and a leaked one is revoked by an
 * entry in the head.
 */
export const KEYSET_ARRIVAL_MILLISECONDS = 120_000;

/** How old the copy in KV of a keyset in use may be before it is written again. */
export const KEYSET_REFRESH_MILLISECONDS = 24 * 60 * 60 * 1000;

/** Grows with each stamp, also when the storage was lost or the clock went back. */
export function nextSeq(lastSeq: number, stamp: UnixMilliseconds): number {
  return Math.max(lastSeq + 1, stamp);
}

/**
 * The next head, stamped `stamp`, or `undefined` while there is no keyset. `stamp` must have been
 * taken before `state` was read: the head's `iat` says what it contains, not when it was signed.
 */
export function planPublication(
  state: PublicationState,
  stamp: UnixMilliseconds,
): PublicationPlan | undefined {
  const keysetHash = chooseKeyset(state, stamp);
  if (keysetHash === undefined) return undefined;
  const newest = state.keysets.at(-1);
  const inUse = state.keysets.filter(({ hash }) => hash === keysetHash || hash === newest?.hash);
  return {
    keysetsToWrite: inUse
      .filter((keyset) => isDueForWriting(keyset, stamp))
      .map(({ hash }) => hash),
    head: {
      environmentId: state.environmentId,
      seq: state.seq,
      issuedAtSeconds: secondsOf(stamp),
      keysetHash,
      segments: [],
      tail: state.entries,
      ...(state.auditSeal === undefined ? {} : { auditSeal: state.auditSeal }),
    },
  };
}

/** The newest keyset that has arrived, else the one relied on already, else the newest at all. */
function chooseKeyset(state: PublicationState, stamp: UnixMilliseconds): string | undefined {
  const newest = state.keysets.at(-1);
  const relied = state.keysets.find(({ hash }) => hash === state.reliedKeysetHash);
  // The very first head has no predecessor whose keyset could bridge the time: no edge is running.
  if (relied === undefined || newest === undefined) return newest?.hash;
  const arrived = newest.firstWrittenAt;
  const isThere = arrived !== undefined && arrived + KEYSET_ARRIVAL_MILLISECONDS <= stamp;
  return isThere ? newest.hash : relied.hash;
}

function isDueForWriting({ lastWrittenAt }: StoredKeyset, stamp: UnixMilliseconds): boolean {
  return lastWrittenAt === undefined || lastWrittenAt + KEYSET_REFRESH_MILLISECONDS <= stamp;
}
