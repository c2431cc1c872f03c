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

/** What wants to know of every scope that is decoded, by its halves: 32 bits, with or without a sign. */
export interface ScopeCollector {
  add(high: number, low: number): void;
}

const SIGN_BIT = 1 << 31;

/** An object to call in any case: asking in every turn whether there is one would cost more. */
const NOBODY: ScopeCollector = { add: () => undefined };

/** Rows of entries that are strictly sorted already, as a decoded tail is; else throws `RangeError`. */
export function rowsOf(sorted: readonly RevocationEntry[]): EntryRows {
  return viewRows(encodeEntries(sorted));
}

/**
 * Reads the content of a segment, whose `bytes` the rows go on using. Refuses with `feed_invalid`
 * unless the length is a multiple of 12 and the scope ids rise strictly. Its hash and count are the
 * caller's to check: see `segment`. `scopes` is told of each in passing, of those before a fault too.
 */
export function decodeRows(bytes: Uint8Array<ArrayBuffer>, scopes = NOBODY): Result<EntryRows> {
  if (bytes.length % ENTRY_BYTES !== 0) return refuseFeed('entries');
  const rows = viewRows(bytes);
  const { view } = rows;
  const end = bytes.length;
  let previousHigh = 0;
  let previousLow = 0;
  for (let offset = 0; offset < end; offset += ENTRY_BYTES) {
    // With a sign, and turned so that their order is that of the unsigned ones: an engine keeps such
    // numbers as they are from the first turns on, while larger ones become objects until it knows better.
    const high = view.getInt32(offset) ^ SIGN_BIT;
    const low = view.getInt32(offset + 4) ^ SIGN_BIT;
    const rises = high > previousHigh || (high === previousHigh && low > previousLow);
    if (!rises && offset > 0) return refuseFeed('entries');
    previousHigh = high;
    previousLow = low;
    scopes.add(high ^ SIGN_BIT, low ^ SIGN_BIT);
  }
  return accept(rows);
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
