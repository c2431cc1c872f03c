/**
 * The segments that an edge has read and checked, by their hash. A request checks a portion of them;
 * the next one goes on from what is here. Plain data: it outlives the requests that filled it.
 */

import { decodeRows } from '@cardea/shared/feed/decode-rows';
import type { EntryRows } from '@cardea/shared/feed/entry-rows';
import type { SegmentReference } from '@cardea/shared/feed/head';
import { type FilteredRuns, ScopeFilter } from '@cardea/shared/feed/scope-filter';
import { proveSegment } from '@cardea/shared/feed/segment';
import { accept, type Result } from '@cardea/shared/result';

export class SegmentShelf {
  readonly #rows = new Map<string, EntryRows>();
  /** Every row that is here is in it. Snapshots that were built keep the one that they were built with. */
  #filter = new ScopeFilter(0);

  has({ hash }: SegmentReference): boolean {
    return this.#rows.has(hash);
  }

  /** Drops what a head does not name, and makes room for what it names and is not here yet. */
  prepareFor(references: readonly SegmentReference[]): void {
    const named = new Set(references.map(({ hash }) => hash));
    for (const hash of this.#rows.keys()) if (!named.has(hash)) this.#rows.delete(hash);
    const missing = references.filter((reference) => !this.has(reference));
    if (this.#filter.hasRoomFor(entriesOf(missing))) return;
    this.#filter = new ScopeFilter(entriesOf(references));
    for (const rows of this.#rows.values()) this.#filter.add(rows);
  }

  /** Checks the content of a segment and keeps it. Refuses as `parseSegment` does. */
  async put(reference: SegmentReference, bytes: Uint8Array<ArrayBuffer>): Promise<Result<void>> {
    const proved = await proveSegment(bytes, reference);
    if (!proved.ok) return proved;
    // Into the filter of this moment, in one step: another pass may have made a new one meanwhile.
    const rows = decodeRows(bytes, this.#filter);
    if (!rows.ok) return rows;
    this.#rows.set(reference.hash, rows.value);
    return accept(undefined);
  }

  /** What a table searches for the segments of a head; `undefined` while one of them is not here. */
  runsOf(references: readonly SegmentReference[]): FilteredRuns | undefined {
    const runs: EntryRows[] = [];
    for (const { hash } of references) {
      const rows = this.#rows.get(hash);
      if (rows === undefined) return undefined;
      runs.push(rows);
    }
    return { filter: this.#filter, runs };
  }
}

function entriesOf(references: readonly SegmentReference[]): number {
  return references.reduce((sum, { entryCount }) => sum + entryCount, 0);
}
