/**
 * The bytes of segments: entries of 12 bytes in the order of the format (`shared/feed/entry`). Merged as
 * bytes, without an object for each entry, so that a million of them fit beside everything else. Pure.
 */

import {
  decodeEntries,
  ENTRY_BYTES,
  type RevocationEntry,
  writeEntry,
} from '@cardea/shared/feed/entry';
import type { ScopeId } from '@cardea/shared/feed/scope-id';

/**
 * One run with every scope of `contents` once, under the highest of its bounds. Each of them must be a
 * whole segment: strictly rising.
 */
export function mergeContents(contents: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let runs: readonly Uint8Array[] = contents;
  while (runs.length > 1) {
    const merged: Uint8Array[] = [];
    for (let at = 0; at < runs.length; at += 2) {
      const [one, other] = runs.slice(at, at + 2);
      if (one !== undefined) merged.push(other === undefined ? one : mergeTwo(one, other));
    }
    runs = merged;
  }
  return Uint8Array.from(runs[0] ?? []);
}

/** Writes entries one after the other: an array of them is never there. Throws as `writeEntry` does. */
export class ContentWriter {
  #bytes = new Uint8Array(FIRST_ENTRIES * ENTRY_BYTES);
  #view = viewOf(this.#bytes);
  #length = 0;

  append(entry: RevocationEntry): void {
    if (this.#length === this.#bytes.length) this.#double();
    writeEntry(this.#view, this.#length, entry);
    this.#length += ENTRY_BYTES;
  }

  get entryCount(): number {
    return this.#length / ENTRY_BYTES;
  }

  content(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  #double(): void {
    const bytes = new Uint8Array(this.#bytes.length * 2);
    bytes.set(this.#bytes);
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
  }
}

const FIRST_ENTRIES = 256;

/** A page of a segment: the entries after a scope id, in their order. */
export function entriesAfter(
  content: Uint8Array,
  { afterScopeId, count }: { readonly afterScopeId: ScopeId | undefined; readonly count: number },
): readonly RevocationEntry[] {
  const from = afterScopeId === undefined ? 0 : placeOf(content, afterScopeId).after;
  return entriesOf(content.subarray(from, from + count * ENTRY_BYTES));
}

/** The bound of exactly this scope, or `undefined`: a binary search. */
export function boundIn(content: Uint8Array, scopeId: ScopeId): number | undefined {
  const { at, after } = placeOf(content, scopeId);
  return at === after ? undefined : viewOf(content).getUint32(at + 8);
}

/** Where an entry of the scope begins and ends; both are where it would begin if there is none. */
function placeOf(content: Uint8Array, { high, low }: ScopeId) {
  const view = viewOf(content);
  let from = 0;
  let to = content.length / ENTRY_BYTES;
  while (from < to) {
    const middle = (from + to) >>> 1;
    const at = middle * ENTRY_BYTES;
    const order = view.getUint32(at) - high || view.getUint32(at + 4) - low;
    if (order === 0) return { at, after: at + ENTRY_BYTES };
    if (order < 0) from = middle + 1;
    else to = middle;
  }
  return { at: from * ENTRY_BYTES, after: from * ENTRY_BYTES };
}

/** Of a segment of our own: anything else than whole, rising entries is a bug or a broken storage. */
export function entriesOf(content: Uint8Array): readonly RevocationEntry[] {
  const entries = decodeEntries(content);
  if (!entries.ok) throw new TypeError('The content of a segment is not in order.');
  return entries.value;
}

function mergeTwo(one: Uint8Array, other: Uint8Array): Uint8Array {
  const merged = new Uint8Array(one.length + other.length);
  const to = { view: viewOf(merged), at: 0 };
  const a = { view: viewOf(one), at: 0 };
  const b = { view: viewOf(other), at: 0 };
  while (a.at < one.length || b.at < other.length) {
    const order = compareEntries(a, b);
    const bound = order === 0 ? Math.max(boundAt(a), boundAt(b)) : boundAt(order < 0 ? a : b);
    const from = order <= 0 ? a : b;
    to.view.setUint32(to.at, from.view.getUint32(from.at));
    to.view.setUint32(to.at + 4, from.view.getUint32(from.at + 4));
    to.view.setUint32(to.at + 8, bound);
    to.at += ENTRY_BYTES;
    if (order <= 0) a.at += ENTRY_BYTES;
    if (order >= 0) b.at += ENTRY_BYTES;
  }
  return merged.subarray(0, to.at);
}

interface Cursor {
  readonly view: DataView;
  at: number;
}

/** A run that is at its end comes last. */
function compareEntries(a: Cursor, b: Cursor): number {
  if (a.at >= a.view.byteLength) return 1;
  if (b.at >= b.view.byteLength) return -1;
  const high = a.view.getUint32(a.at) - b.view.getUint32(b.at);
  return high === 0 ? a.view.getUint32(a.at + 4) - b.view.getUint32(b.at + 4) : high;
}

function boundAt({ view, at }: Cursor): number {
  return view.getUint32(at + 8);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
