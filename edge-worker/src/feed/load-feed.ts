/**
 * One pass over the feed's objects: read, verify, build. Answers a whole new snapshot or refuses; what
 * was held before is never changed.
 */

import { columnsOf, type EntryColumns, mergeColumns } from '@cardea/shared/feed/entry-columns';
import type { FeedKeys } from '@cardea/shared/feed/feed-key';
import { acceptHead } from '@cardea/shared/feed/freshness';
import {
  type FeedHead,
  keysetObject,
  type SegmentReference,
  segmentObject,
} from '@cardea/shared/feed/head';
import { verifyHead } from '@cardea/shared/feed/head-signature';
import { type JwtKeys, parseKeyset } from '@cardea/shared/feed/keyset';
import { createRevocationTable } from '@cardea/shared/feed/revocation-table';
import {
  type EdgeIdentity,
  type OpenedMacaroonKeys,
  openMacaroonKeys,
} from '@cardea/shared/feed/sealed-key';
import { parseSegment } from '@cardea/shared/feed/segment';
import type { FeedSnapshot } from '@cardea/shared/feed/snapshot';
import { accept, type Result, refuse } from '@cardea/shared/result';
import { secondsOf, type UnixMilliseconds } from '@cardea/shared/time';
import { type FeedSource, FeedUnreadable } from './feed-source.ts';

/** A snapshot with the parts that the next one may share with it. Plain data. */
export interface LoadedFeed {
  readonly snapshot: FeedSnapshot;
  /** The signed text that the snapshot was built from: the same text need not be verified again. */
  readonly headText: string;
  readonly segments: ReadonlyMap<string, EntryColumns>;
  readonly mergedSegments: EntryColumns;
}

export interface FeedReading {
  readonly source: FeedSource;
  readonly feedKeys: FeedKeys;
  readonly environmentId: string;
  readonly clockSkewSeconds: number;
  readonly clock: () => UnixMilliseconds;
  /** With it the macaroon keys that are sealed for this edge are opened. */
  readonly edgeIdentity?: EdgeIdentity | undefined;
}

/**
 * The feed as it stands now: `held` itself if nothing newer is there. Refuses with `feed_invalid` what
 * is not signed, not pinned or not newer, and with `feed_stale` what cannot be read; `evidence.rule`
 * says which.
 */
export async function loadFeed(
  held: LoadedFeed | undefined,
  reading: FeedReading,
): Promise<Result<LoadedFeed>> {
  try {
    return await readFeed(held, reading);
  } catch (error) {
    // An outage of the store is expected: what is held serves on until its bound.
    if (error instanceof FeedUnreadable) return unreadable(error.code);
    throw error;
  }
}

async function readFeed(
  held: LoadedFeed | undefined,
  reading: FeedReading,
): Promise<Result<LoadedFeed>> {
  const headText = await reading.source.readHead();
  if (headText === undefined) return unreadable('head_missing');
  if (held !== undefined && headText === held.headText) return accept(held);
  const head = await verifyHead(headText, reading.feedKeys);
  if (!head.ok) return head;
  const verdict = acceptHead(held?.snapshot, head.value, {
    environmentId: reading.environmentId,
    nowSeconds: secondsOf(reading.clock()),
    clockSkewSeconds: reading.clockSkewSeconds,
  });
  if (!verdict.ok) return verdict;
  if (held !== undefined && verdict.value === 'keep') return accept(held);
  const [keys, segments] = await Promise.all([
    readKeyset(head.value, held, reading),
    readSegments(head.value, held, reading),
  ]);
  if (!keys.ok) return keys;
  if (!segments.ok) return segments;
  return accept(build({ headText, head: head.value, keys: keys.value }, segments.value));
}

/** The keys of a snapshot. */
interface EdgeKeys extends OpenedMacaroonKeys {
  readonly jwtKeys: JwtKeys;
}

const NO_MACAROON_KEYS: OpenedMacaroonKeys = { macaroonKeys: new Map(), unopenedKids: [] };

async function readKeyset(
  head: FeedHead,
  held: LoadedFeed | undefined,
  { source, edgeIdentity }: FeedReading,
): Promise<Result<EdgeKeys>> {
  if (held?.snapshot.keysetHash === head.keysetHash) return accept(held.snapshot);
  const bytes = await source.readObject(keysetObject(head.keysetHash));
  if (bytes === undefined) return unreadable('keyset_missing');
  const keyset = await parseKeyset(new Uint8Array(bytes), head.keysetHash);
  if (!keyset.ok) return keyset;
  const { jwtKeys, sealedKeys } = keyset.value;
  const opened = edgeIdentity && (await openMacaroonKeys(edgeIdentity, sealedKeys));
  return accept({ jwtKeys, ...(opened ?? NO_MACAROON_KEYS) });
}

interface Segments {
  readonly segments: ReadonlyMap<string, EntryColumns>;
  readonly mergedSegments: EntryColumns;
}

async function readSegments(
  head: FeedHead,
  held: LoadedFeed | undefined,
  { source }: FeedReading,
): Promise<Result<Segments>> {
  const known = held?.segments ?? new Map<string, EntryColumns>();
  const read = await Promise.all(
    head.segments.map((reference) => readSegment(reference, known, source)),
  );
  const segments = new Map<string, EntryColumns>();
  for (const [index, { hash }] of head.segments.entries()) {
    const segment = read[index];
    if (segment === undefined || !segment.ok) return segment ?? unreadable('segment_missing');
    segments.set(hash, segment.value);
  }
  // Merging a million entries takes a while; the set of segments seldom changes.
  const isUnchanged = held !== undefined && sameNames(held.segments, segments);
  const mergedSegments = isUnchanged ? held.mergedSegments : mergeColumns([...segments.values()]);
  return accept({ segments, mergedSegments });
}

async function readSegment(
  reference: SegmentReference,
  known: ReadonlyMap<string, EntryColumns>,
  source: FeedSource,
): Promise<Result<EntryColumns>> {
  const decoded = known.get(reference.hash);
  if (decoded !== undefined) return accept(decoded);
  const bytes = await source.readObject(segmentObject(reference.hash));
  if (bytes === undefined) return unreadable('segment_missing');
  return parseSegment(new Uint8Array(bytes), reference);
}

interface VerifiedHead {
  readonly headText: string;
  readonly head: FeedHead;
  readonly keys: EdgeKeys;
}

function build({ headText, head, keys }: VerifiedHead, segments: Segments): LoadedFeed {
  const { environmentId, seq, issuedAtSeconds, keysetHash } = head;
  const revocations = createRevocationTable([columnsOf(head.tail), segments.mergedSegments]);
  const { jwtKeys, macaroonKeys, unopenedKids } = keys;
  const snapshot = {
    ...{ environmentId, seq, issuedAtSeconds, keysetHash, revocations },
    ...{ jwtKeys, macaroonKeys, unopenedKids },
  };
  return { snapshot, headText, ...segments };
}

function sameNames(a: ReadonlyMap<string, unknown>, b: ReadonlyMap<string, unknown>): boolean {
  return a.size === b.size && [...a.keys()].every((name) => b.has(name));
}

function unreadable(rule: string) {
  return refuse('feed_stale', { rule });
}
