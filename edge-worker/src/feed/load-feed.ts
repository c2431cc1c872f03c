/**
 * One pass over the feed's objects: read, verify, build. Answers a whole new snapshot or refuses; what
 * was held before is never changed. Of segments it checks no more than one request should pay for, and
 * the next pass goes on from there.
 */

import type { FeedKeys } from '@cardea/shared/feed/feed-key';
import { acceptHead } from '@cardea/shared/feed/freshness';
import {
  keysetObject,
  type ReadHead,
  type SegmentReference,
  segmentObject,
} from '@cardea/shared/feed/head';
import { verifyHead } from '@cardea/shared/feed/head-signature';
import { type JwtKeys, parseKeyset } from '@cardea/shared/feed/keyset';
import { createRevocationTable } from '@cardea/shared/feed/revocation-table';
import type { FilteredRuns } from '@cardea/shared/feed/scope-filter';
import {
  type EdgeIdentity,
  type OpenedMacaroonKeys,
  openMacaroonKeys,
} from '@cardea/shared/feed/sealed-key';
import type { FeedSnapshot } from '@cardea/shared/feed/snapshot';
import { accept, type Result, refuse } from '@cardea/shared/result';
import { secondsOf, type UnixMilliseconds } from '@cardea/shared/time';
import { type FeedSource, FeedUnreadable } from './feed-source.ts';
import { PORTION_ENTRIES_MAX } from './limits.ts';
import type { SegmentShelf } from './segment-shelf.ts';

/** A snapshot, and the signed text that it was built from: the same text need not be verified again. */
export interface LoadedFeed {
  readonly snapshot: FeedSnapshot;
  readonly headText: string;
}

export interface FeedReading {
  readonly source: FeedSource;
  readonly feedKeys: FeedKeys;
  readonly environmentId: string;
  readonly clockSkewSeconds: number;
  readonly clock: () => UnixMilliseconds;
  /** With it the macaroon keys that are sealed for this edge are opened. */
  readonly edgeIdentity?: EdgeIdentity | undefined;
  readonly portionEntriesMax?: number | undefined;
  /** Go on with the head that is there in part, without asking for a newer one. */
  readonly isHeadKnown?: boolean;
}

/** A verified head whose segments are not all on the shelf, with its signed text. */
export interface PartialFeed {
  readonly head: ReadHead;
  readonly headText: string;
}

/** What the edge has already. */
export interface FeedHoldings {
  readonly held: LoadedFeed | undefined;
  readonly partial: PartialFeed | undefined;
  readonly shelf: SegmentShelf;
}

export type Pass =
  | { readonly kind: 'whole'; readonly feed: LoadedFeed }
  | { readonly kind: 'partial'; readonly partial: PartialFeed };

/**
 * The feed as it stands now: `held` itself if nothing newer is there, a partial one if a newer head has
 * more segments than one pass checks. Refuses with `feed_invalid` what is not signed, not pinned or not
 * newer, and with `feed_stale` what cannot be read; `evidence.rule` says which.
 */
export async function loadFeed(
  holdings: FeedHoldings,
  reading: FeedReading,
): Promise<Result<Pass>> {
  try {
    return await readFeed(holdings, reading);
  } catch (error) {
    // An outage of the store is expected: what is held serves on until its bound.
    if (error instanceof FeedUnreadable) return unreadable(error.code);
    throw error;
  }
}

async function readFeed(holdings: FeedHoldings, reading: FeedReading): Promise<Result<Pass>> {
  const { held, partial, shelf } = holdings;
  const isGoingOn = reading.isHeadKnown === true && partial !== undefined;
  const headText = isGoingOn ? partial.headText : await reading.source.readHead(held?.snapshot.seq);
  if (headText === undefined) return unreadable('head_missing');
  if (held !== undefined && headText === held.headText) return whole(held);
  const isVerified = headText === partial?.headText;
  const head = isVerified ? accept(partial.head) : await verifyHead(headText, reading.feedKeys);
  if (!head.ok) return head;
  const verdict = acceptHead(held?.snapshot, head.value, {
    environmentId: reading.environmentId,
    nowSeconds: secondsOf(reading.clock()),
    clockSkewSeconds: reading.clockSkewSeconds,
  });
  if (!verdict.ok) return verdict;
  if (held !== undefined && verdict.value === 'keep') return whole(held);
  const { segments } = head.value;
  shelf.prepareFor(segments);
  // The small ones first, several of which are one portion.
  const missing = segments
    .filter((reference) => !shelf.has(reference))
    .sort((one, other) => one.entryCount - other.entryCount);
  const portion = firstPortion(missing, reading.portionEntriesMax ?? PORTION_ENTRIES_MAX);
  if (portion.length < missing.length) {
    // The first portion is the head itself. Later ones go on under whatever head they find: a publisher
    // that stamps a new one every second must not keep an edge at the beginning.
    const isFirst = partial === undefined;
    const read = isFirst ? accept(undefined) : await readSegments(portion, shelf, reading);
    return read.ok ? unfinished({ head: head.value, headText }) : read;
  }
  const [keys, read] = await Promise.all([
    readKeyset(head.value, held, reading),
    readSegments(portion, shelf, reading),
  ]);
  if (!keys.ok) return keys;
  if (!read.ok) return read;
  const runs = shelf.runsOf(segments);
  // Another pass, for another head, may have cleared the shelf meanwhile.
  if (runs === undefined) return unfinished({ head: head.value, headText });
  return whole(build({ headText, head: head.value, keys: keys.value }, runs));
}

function whole(feed: LoadedFeed): Result<Pass> {
  return accept({ kind: 'whole', feed });
}

function unfinished(partial: PartialFeed): Result<Pass> {
  return accept({ kind: 'partial', partial });
}

/** The keys of a snapshot. */
interface EdgeKeys extends OpenedMacaroonKeys {
  readonly jwtKeys: JwtKeys;
}

const NO_MACAROON_KEYS: OpenedMacaroonKeys = { macaroonKeys: new Map(), unopenedKids: [] };

async function readKeyset(
  head: ReadHead,
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

/** Puts the segments on the shelf, each read and checked. */
async function readSegments(
  portion: readonly SegmentReference[],
  shelf: SegmentShelf,
  { source }: FeedReading,
): Promise<Result<void>> {
  const objects = await Promise.all(
    portion.map(({ hash }) => source.readObject(segmentObject(hash))),
  );
  for (const [index, reference] of portion.entries()) {
    const bytes = objects[index];
    if (bytes === undefined) return unreadable('segment_missing');
    const kept = await shelf.put(reference, new Uint8Array(bytes));
    if (!kept.ok) return kept;
  }
  return accept(undefined);
}

/** The smallest of the missing segments, and as many more as one request should pay for. */
function firstPortion(
  missing: readonly SegmentReference[],
  entriesMax: number,
): readonly SegmentReference[] {
  let entries = 0;
  const end = missing.findIndex(({ entryCount }, index) => {
    entries += entryCount;
    return index > 0 && entries > entriesMax;
  });
  return end === -1 ? missing : missing.slice(0, end);
}

interface VerifiedHead {
  readonly headText: string;
  readonly head: ReadHead;
  readonly keys: EdgeKeys;
}

function build({ headText, head, keys }: VerifiedHead, segments: FilteredRuns): LoadedFeed {
  const { environmentId, seq, issuedAtSeconds, keysetHash } = head;
  const revocations = createRevocationTable([head.tailRows, segments]);
  const { jwtKeys, macaroonKeys, unopenedKids } = keys;
  const snapshot = {
    ...{ environmentId, seq, issuedAtSeconds, keysetHash, revocations },
    ...{ jwtKeys, macaroonKeys, unopenedKids },
  };
  return { snapshot, headText };
}

function unreadable(rule: string) {
  return refuse('feed_stale', { rule });
}
