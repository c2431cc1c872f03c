/** A segment: revocations that left the head, as an immutable object named by its SHA-256. */

import { FEED_ENTRIES_MAX } from '../limits.ts';
import { accept, type Result } from '../result.ts';
import { decodeRows } from './decode-rows.ts';
import { ENTRY_BYTES } from './entry.ts';
import type { EntryRows } from './entry-rows.ts';
import { refuseFeed } from './feed-rule.ts';
import type { SegmentReference } from './head.ts';
import { objectHash } from './object-hash.ts';

/**
 * The entries of the segment that `reference` names, viewed in `bytes`, which nobody may change from
 * now on; refuses with `feed_invalid` if hash, number or order of the entries is another one.
 */
export async function parseSegment(
  bytes: Uint8Array<ArrayBuffer>,
  reference: Pick<SegmentReference, 'hash' | 'entryCount'>,
): Promise<Result<EntryRows>> {
  const proved = await proveSegment(bytes, reference);
  return proved.ok ? decodeRows(bytes) : proved;
}

/** All of {@link parseSegment} but the order, for whoever decodes the entries in a step of its own. */
export async function proveSegment(
  bytes: Uint8Array<ArrayBuffer>,
  reference: Pick<SegmentReference, 'hash' | 'entryCount'>,
): Promise<Result<void>> {
  if (bytes.length > FEED_ENTRIES_MAX * ENTRY_BYTES) return refuseFeed('segment_too_large');
  if (bytes.length !== reference.entryCount * ENTRY_BYTES) return refuseFeed('segment_count');
  if ((await objectHash(bytes)) !== reference.hash) return refuseFeed('segment_hash');
  return accept(undefined);
}
