/**
 * What stands in front of the searches: a Bloom filter (Bloom 1970), blocked so that a scope has all
 * of its bits in one word. Nearly every scope id that a request asks for is in no entry, and then one
 * look into memory says so; what it lets through is searched for, so it never decides a request.
 */

import { ENTRY_BYTES } from './entry.ts';
import type { EntryRows } from './entry-rows.ts';
import type { ScopeId } from './scope-id.ts';

/** Sorted runs, and a filter that every one of their scopes is in (and others may be). */
export interface FilteredRuns {
  readonly filter: ScopeFilter;
  readonly runs: readonly EntryRows[];
}

/** Two entries a word of 32 bits, three bits an entry: of the absent scopes some 1 in 100 pass. */
const ENTRIES_PER_WORD = 2;

/** Beyond twice what it was made for some 3 in 100 pass: time for a new one. */
const OVERFILL_MAX = 2;

/**
 * Entries that the loop looks at in one call. A loop over all of them would run once: an engine compiles
 * it on its way, without having seen what comes behind it, and begins anew the next time.
 */
const STRIDE_ENTRIES = 512;

/**
 * V8 begins to compile in the eighth or so and has compiled a few runs later (counted with `--trace-opt`). The
 * rest cost little then, and are there for machines on which that takes longer.
 */
const WARM_UP_RUNS = 64;

const SIGN_BIT = 1 << 31;

/** At least two words, so that the shift by which a scope finds its word is below 32. */
const WORDS_LOG2_MIN = 1;

/**
 * Grows only: bits of entries that are gone stay, and cost a search in vain now and then. So it may be
 * added to while snapshots use it: a bit too many changes no answer.
 */
export class ScopeFilter {
  readonly #words: Int32Array<ArrayBuffer>;
  /** The upper bits of a scope's high half name its word. */
  readonly #shift: number;
  #added = 0;

  /** For about `entryCount` entries: 2 to 4 bytes each. */
  constructor(entryCount: number) {
    const words = Math.max(1, entryCount / ENTRIES_PER_WORD);
    const log2 = Math.max(WORDS_LOG2_MIN, Math.ceil(Math.log2(words)));
    this.#words = new Int32Array(2 ** log2);
    this.#shift = 32 - log2;
  }

  /** Bytes of memory. */
  get byteLength(): number {
    return this.#words.byteLength;
  }

  /** Whether it still tells most scopes apart with `entryCount` more. */
  hasRoomFor(entryCount: number): boolean {
    const limit = this.#words.length * ENTRIES_PER_WORD * OVERFILL_MAX;
    return this.#added + entryCount <= limit;
  }

  /**
   * Adds every scope, and answers whether they rise strictly: both are seen in one look. Where they do
   * not, what has been added stays.
   */
  add({ view, count }: EntryRows): boolean {
    if (count === 0) return true;
    let isRising = true;
    this.#addBits(view.getInt32(0), view.getInt32(4));
    for (let from = 1; from < count; from += STRIDE_ENTRIES) {
      const to = Math.min(from + STRIDE_ENTRIES, count);
      isRising = this.#addStretch(view, from, to) && isRising;
    }
    this.#added += count;
    return isRising;
  }

  #addBits(high: number, low: number): void {
    const index = high >>> this.#shift;
    this.#words[index] = (this.#words[index] as number) | bitsOf(low);
  }

  /**
   * Entries from the second one on. Written for an engine that has just begun to compile: numbers with a
   * sign, which it need not put into objects, and no value that might be none.
   */
  #addStretch(view: DataView, from: number, to: number): boolean {
    const words = this.#words;
    const shift = this.#shift;
    const end = to * ENTRY_BYTES;
    const before = (from - 1) * ENTRY_BYTES;
    // Turned, so that their order is that of the numbers without a sign.
    let previousHigh = view.getInt32(before) ^ SIGN_BIT;
    let previousLow = view.getInt32(before + 4) ^ SIGN_BIT;
    let isRising = true;
    for (let offset = from * ENTRY_BYTES; offset < end; offset += ENTRY_BYTES) {
      const high = view.getInt32(offset);
      const low = view.getInt32(offset + 4);
      const turnedHigh = high ^ SIGN_BIT;
      const turnedLow = low ^ SIGN_BIT;
      if (turnedHigh <= previousHigh) {
        if (turnedHigh < previousHigh || turnedLow <= previousLow) isRising = false;
      }
      previousHigh = turnedHigh;
      previousLow = turnedLow;
      const index = high >>> shift;
      words[index] = (words[index] as number) | bitsOf(low);
    }
    return isRising;
  }

  /** `false` only if no entry of this scope was ever added. */
  mayContain({ high, low }: ScopeId): boolean {
    const bits = bitsOf(low);
    return ((this.#words[high >>> this.#shift] ?? 0) & bits) === bits;
  }
}

/**
 * Runs the loop until an engine has compiled it (3 to 5 ms), for whoever is about to load many entries in
 * small portions. V8 compiles on another thread, and what is ready while no script runs is not taken up
 * for a long time: a worker that waits between its portions would go on interpreting, ten times slower.
 * The entries rise, fall and repeat, so that no branch is unknown to the compiled code.
 */
export function warmUpScopeFilter(): void {
  const view = new DataView(new ArrayBuffer(STRIDE_ENTRIES * ENTRY_BYTES));
  for (let at = 0; at < STRIDE_ENTRIES; at++) {
    view.setInt32(at * ENTRY_BYTES, Math.imul(at >>> 1, 0x00ffffff));
    view.setInt32(at * ENTRY_BYTES + 4, Math.imul(at, 0x0badcafe));
  }
  const filter = new ScopeFilter(STRIDE_ENTRIES);
  for (let runs = 0; runs < WARM_UP_RUNS; runs++) filter.add({ view, count: STRIDE_ENTRIES });
}

/** Three bits of a word, named by fifteen bits of a scope's low half. */
function bitsOf(low: number): number {
  return (1 << (low & 31)) | (1 << ((low >>> 5) & 31)) | (1 << ((low >>> 10) & 31));
}
