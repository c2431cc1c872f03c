/**
 * Entries in the form in which an edge searches them: the bytes of the format themselves, viewed in
 * place. A segment so costs its 12 bytes an entry and no copy, and decoding it is one look at the order.
 */

import { accept, type Result } from '../result.ts';
import { ENTRY_BYTES, encodeEntries, type RevocationEntry } from './entry.ts';
import { refuseFeed } from './feed-rule.ts';
import type { ScopeId } from './scope-id.ts';

/** `count` entries of 12 bytes, big-endian, strictly rising by scope id. Nobody writes to the bytes. */
export interface EntryRows {
  readonly view: DataView<ArrayBuffer>;
  readonly count: number;
}

const SIGN_BIT = 1 << 31;

/**
 * Entries that a loop over many looks at in one call. A loop over all of them would run once: an engine
 * compiles it on its way, without having seen what comes behind it, and begins anew the next time.
 */
export const STRIDE_ENTRIES = 512;

/** Rows of entries that are strictly sorted already, as a decoded tail is; else throws `RangeError`. */
export function rowsOf(sorted: readonly RevocationEntry[]): EntryRows {
  return viewRows(encodeEntries(sorted));
}

/**
 * Reads the content of a segment, whose `bytes` the rows go on using. Refuses with `feed_invalid`
 * unless the length is a multiple of 12 and the scope ids rise strictly. Its hash and count are the
 * caller's to check: see `segment`.
 */
export function decodeRows(bytes: Uint8Array<ArrayBuffer>): Result<EntryRows> {
  if (bytes.length % ENTRY_BYTES !== 0) return refuseFeed('entries');
  const rows = viewRows(bytes);
  for (let from = 1; from < rows.count; from += STRIDE_ENTRIES) {
    const to = Math.min(from + STRIDE_ENTRIES, rows.count);
    if (!rises(rows.view, from, to)) return refuseFeed('entries');
  }
  return accept(rows);
}

/** Whether each of these entries has a higher scope id than the one before it. `from` is not the first. */
function rises(view: DataView, from: number, to: number): boolean {
  const end = to * ENTRY_BYTES;
  let previousHigh = view.getInt32((from - 1) * ENTRY_BYTES) ^ SIGN_BIT;
  let previousLow = view.getInt32((from - 1) * ENTRY_BYTES + 4) ^ SIGN_BIT;
  let isRising = true;
  for (let offset = from * ENTRY_BYTES; offset < end; offset += ENTRY_BYTES) {
    // With a sign, and turned so that their order is that of the unsigned ones: an engine keeps such
    // numbers as they are from the first turns on, while larger ones become objects until it knows better.
    const high = view.getInt32(offset) ^ SIGN_BIT;
    const low = view.getInt32(offset + 4) ^ SIGN_BIT;
    // All three in every turn: one that is first seen after thousands of turns undoes the compiled code.
    const isHigher = high > previousHigh;
    const isAsHigh = high === previousHigh;
    const isLowHigher = low > previousLow;
    isRising = isRising && (isHigher || (isAsHigh && isLowHigher));
    previousHigh = high;
    previousLow = low;
  }
  return isRising;
}

/**
 * The bound of exactly this scope, or `undefined`. Binary search over the upper halves, no allocation.
 * Scope ids are random, so hardly ever do two of them share one; those are looked at in turn.
 */
export function boundIn({ view, count }: EntryRows, { high, low }: ScopeId): number | undefined {
  let from = 0;
  let to = count;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (view.getUint32(middle * ENTRY_BYTES) < high) from = middle + 1;
    else to = middle;
  }
  const end = count * ENTRY_BYTES;
  for (let offset = from * ENTRY_BYTES; offset < end; offset += ENTRY_BYTES) {
    if (view.getUint32(offset) !== high) return undefined;
    if (view.getUint32(offset + 4) === low) return view.getUint32(offset + 8);
  }
  return undefined;
}

/** The entries one by one, in their order: for whoever looks at all of them. */
export function* entriesIn({ view, count }: EntryRows): Generator<RevocationEntry> {
  for (let offset = 0; offset < count * ENTRY_BYTES; offset += ENTRY_BYTES) {
    const scopeId = { high: view.getUint32(offset), low: view.getUint32(offset + 4) };
    yield { scopeId, boundSeconds: view.getUint32(offset + 8) };
  }
}

function viewRows(bytes: Uint8Array<ArrayBuffer>): EntryRows {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { view, count: bytes.byteLength / ENTRY_BYTES };
}
