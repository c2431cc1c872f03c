/**
 * What stands in front of the searches: a Bloom filter (Bloom 1970), blocked so that a scope has all
 * of its bits in one word. Nearly every scope id that a request asks for is in no entry, and then one
 * look into memory says so; what it lets through is searched for, so it never decides a request.
 */

import { ENTRY_BYTES } from './entry.ts';
import { type EntryRows, STRIDE_ENTRIES } from './entry-rows.ts';
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

/** At least two words, so that the shift by which a scope finds its word is below 32. */
const WORDS_LOG2_MIN = 1;

/**
 * Grows only: bits of entries that are gone stay, and cost a search in vain now and then. So it may be
 * added to while snapshots use it: a bit too many changes no answer.
 */
export class ScopeFilter {
  readonly #words: Uint32Array<ArrayBuffer>;
  /** The upper bits of a scope's high half name its word. */
  readonly #shift: number;
  #added = 0;

  /** For about `entryCount` entries: 2 to 4 bytes each. */
  constructor(entryCount: number) {
    const words = Math.max(1, entryCount / ENTRIES_PER_WORD);
    const log2 = Math.max(WORDS_LOG2_MIN, Math.ceil(Math.log2(words)));
    this.#words = new Uint32Array(2 ** log2);
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

  addAll({ view, count }: EntryRows): void {
    for (let from = 0; from < count; from += STRIDE_ENTRIES) {
      this.#addStretch(view, from, Math.min(from + STRIDE_ENTRIES, count));
    }
    this.#added += count;
  }

  #addStretch(view: DataView, from: number, to: number): void {
    const words = this.#words;
    const shift = this.#shift;
    const end = to * ENTRY_BYTES;
    for (let offset = from * ENTRY_BYTES; offset < end; offset += ENTRY_BYTES) {
      const index = view.getInt32(offset) >>> shift;
      words[index] = (words[index] ?? 0) | bitsOf(view.getInt32(offset + 4));
    }
  }

  /** `false` only if no entry of this scope was ever added. */
  mayContain({ high, low }: ScopeId): boolean {
    const bits = bitsOf(low);
    return ((this.#words[high >>> this.#shift] ?? 0) & bits) === bits;
  }
}

/** Three bits of a word, named by fifteen bits of a scope's low half. */
function bitsOf(low: number): number {
  return (1 << (low & 31)) | (1 << ((low >>> 5) & 31)) | (1 << ((low >>> 10) & 31));
}
