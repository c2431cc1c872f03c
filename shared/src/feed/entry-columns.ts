/**
 * Entries in the form in which an edge searches them: three parallel columns, sorted by scope id.
 * 12 bytes an entry and no object for each, so that a million of them fit into an isolate.
 */

import { accept, type Result } from '../result.ts';
import { ENTRY_BYTES, type RevocationEntry } from './entry.ts';
import { refuseFeed } from './feed-rule.ts';
import type { ScopeId } from './scope-id.ts';

/** Strictly rising by (`high`, `low`); the three have one length. */
export interface EntryColumns {
  readonly high: Uint32Array<ArrayBuffer>;
  readonly low: Uint32Array<ArrayBuffer>;
  readonly bound: Uint32Array<ArrayBuffer>;
}

/** Columns of entries that are strictly sorted already, as a decoded tail is. */
export function columnsOf(sorted: readonly RevocationEntry[]): EntryColumns {
  const columns = emptyColumns(sorted.length);
  sorted.forEach(({ scopeId, boundSeconds }, index) => {
    columns.high[index] = scopeId.high;
    columns.low[index] = scopeId.low;
    columns.bound[index] = boundSeconds;
  });
  return columns;
}

/**
 * Reads the content of a segment. Refuses with `feed_invalid` unless the length is a multiple of 12
 * and the scope ids rise strictly. Its hash and count are the caller's to check: see `segment`.
 */
export function decodeColumns(bytes: Uint8Array): Result<EntryColumns> {
  if (bytes.length % ENTRY_BYTES !== 0) return refuseFeed('entries');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { high, low, bound } = emptyColumns(bytes.length / ENTRY_BYTES);
  let previousHigh = -1;
  let previousLow = -1;
  for (let index = 0, offset = 0; index < high.length; index++, offset += ENTRY_BYTES) {
    const nextHigh = view.getUint32(offset);
    const nextLow = view.getUint32(offset + 4);
    const rises = nextHigh > previousHigh || (nextHigh === previousHigh && nextLow > previousLow);
    if (!rises) return refuseFeed('entries');
    high[index] = previousHigh = nextHigh;
    low[index] = previousLow = nextLow;
    bound[index] = view.getUint32(offset + 8);
  }
  return accept({ high, low, bound });
}

/** One sorted run with every scope of `runs` once, under the highest of its bounds. */
export function mergeColumns(runs: readonly EntryColumns[]): EntryColumns {
  let level = [...runs];
  while (level.length > 1) {
    const next: EntryColumns[] = [];
    for (let i = 0; i < level.length; i += 2) {
      const [left, right] = level.slice(i, i + 2);
      if (left !== undefined) next.push(right === undefined ? left : mergeTwo(left, right));
    }
    level = next;
  }
  return level[0] ?? emptyColumns(0);
}

/**
 * The bound of exactly this scope, or `undefined`. Binary search over the upper halves, no allocation.
 * Scope ids are random, so hardly ever do two of them share one; those are looked at in turn.
 */
export function boundIn(columns: EntryColumns, { high, low }: ScopeId): number | undefined {
  const highs = columns.high;
  let from = 0;
  let to = highs.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((highs[middle] ?? 0) < high) from = middle + 1;
    else to = middle;
  }
  // Past the end the column gives `undefined`, which equals no scope id.
  for (; highs[from] === high; from++) {
    if (columns.low[from] === low) return columns.bound[from];
  }
  return undefined;
}

function mergeTwo(a: EntryColumns, b: EntryColumns): EntryColumns {
  const merged = emptyColumns(a.high.length + b.high.length);
  let length = 0;
  let i = 0;
  let j = 0;
  while (i < a.high.length || j < b.high.length) {
    const order = compareAt({ a, i, b, j });
    const [source, index] = order <= 0 ? ([a, i] as const) : ([b, j] as const);
    const bound = source.bound[index] ?? 0;
    merged.high[length] = source.high[index] ?? 0;
    merged.low[length] = source.low[index] ?? 0;
    merged.bound[length] = order === 0 ? Math.max(bound, b.bound[j] ?? 0) : bound;
    if (order <= 0) i++;
    if (order >= 0) j++;
    length++;
  }
  return {
    high: merged.high.subarray(0, length),
    low: merged.low.subarray(0, length),
    bound: merged.bound.subarray(0, length),
  };
}

interface Heads {
  readonly a: EntryColumns;
  readonly i: number;
  readonly b: EntryColumns;
  readonly j: number;
}

/** Which of two run heads comes first; an exhausted run comes last. */
function compareAt({ a, i, b, j }: Heads): number {
  const highA = a.high[i];
  const highB = b.high[j];
  if (highA === undefined) return 1;
  if (highB === undefined) return -1;
  return highA === highB ? (a.low[i] ?? 0) - (b.low[j] ?? 0) : highA - highB;
}

function emptyColumns(length: number): EntryColumns {
  return {
    high: new Uint32Array(length),
    low: new Uint32Array(length),
    bound: new Uint32Array(length),
  };
}
