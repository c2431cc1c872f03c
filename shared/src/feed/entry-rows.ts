/**
 * Entries in the form in which an edge searches them: the bytes of the format themselves, viewed in
 * place. A segment so costs its 12 bytes an entry and no copy, and decoding it is one look at the order.
 */

import { ENTRY_BYTES, encodeEntries, type RevocationEntry } from './entry.ts';
import type { ScopeId } from './scope-id.ts';

/** `count` entries of 12 bytes, big-endian, strictly rising by scope id. Nobody writes to the bytes. */
export interface EntryRows {
  readonly view: DataView<ArrayBuffer>;
  readonly count: number;
}

/** Rows of entries that are strictly sorted already, as a decoded tail is; else throws `RangeError`. */
export function rowsOf(sorted: readonly RevocationEntry[]): EntryRows {
  return viewRows(encodeEntries(sorted));
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

/** `bytes` as rows, whatever their order: for `decode-rows`. Their length is a multiple of 12. */
export function viewRows(bytes: Uint8Array<ArrayBuffer>): EntryRows {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { view, count: bytes.byteLength / ENTRY_BYTES };
}
