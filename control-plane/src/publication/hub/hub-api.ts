/** What others may ask of the hub, and how they reach it. One hub per environment. */

import type { EdgeSighting } from '../edge-sightings.ts';
import type { SignedHead } from '../head-stamper.ts';
import type { LiveEntry } from '../publisher-storage.ts';

/** A head as it goes over the wire. */
export interface ServedHead {
  /** Strong entity tag: another one for every stamp. */
  readonly etag: string;
  readonly compactJws: string;
  readonly keysetHash: string;
  readonly segmentHashes: readonly string[];
}

export function servedHeadOf(head: SignedHead): ServedHead {
  const { compactJws, issuedAtSeconds, keysetHash, segmentHashes, seq } = head;
  return { etag: `"${seq}-${issuedAtSeconds}"`, compactJws, keysetHash, segmentHashes };
}

export interface HubStatus {
  /** Of the last head that KV has confirmed, and when it did (milliseconds). */
  readonly publishedSeq: number | null;
  readonly publishedAt: number | null;
  readonly entryCount: number;
  readonly keysetHash: string | null;
  /** Failed attempts in a row, and the name of the last error. */
  readonly failures: number;
  readonly lastError: string | null;
  readonly nextAlarmAt: number | null;
}

/** Every call rejects when the hub cannot be reached: callers bound how long they wait. */
export interface HubApi {
  /** Resolves when the entries are in the hub's durable storage. */
  acknowledge(entries: readonly LiveEntry[]): Promise<void>;
  /** Makes sure that the publisher runs; with `soon`, that it looks at the database right away. */
  poke(wish: { readonly soon: boolean }): Promise<void>;
  /** At most a second old; `null` while nothing has been published. */
  head(): Promise<ServedHead | null>;
  /** The text of a keyset object. */
  keyset(hash: string): Promise<string | null>;
  /** The content of a segment that a head names, or did a moment ago. */
  segment(hash: string): Promise<Uint8Array<ArrayBuffer> | null>;
  status(): Promise<HubStatus>;
  /** What edges were last seen at: see `EdgeSightingStore`. */
  noteSightings(sightings: readonly EdgeSighting[]): Promise<void>;
  sightings(): Promise<readonly EdgeSighting[]>;
}
