/** Look-ups of revocations: what every request asks, from memory alone. */

import type { RevocationEntry } from './entry.ts';
import { boundIn, type EntryRows, rowsOf } from './entry-rows.ts';
import { type FilteredRuns, ScopeFilter } from './scope-filter.ts';
import type { ScopeId } from './scope-id.ts';
import type { RevocationTable, TokenScopes } from './snapshot.ts';

/**
 * A table over several groups of runs, for an edge the segments and the tail. If a scope stands in
 * more than one run the highest bound counts. A group costs one look into its filter, and a binary
 * search a run for what passes it.
 */
export function createRevocationTable(groups: readonly FilteredRuns[]): RevocationTable {
  const searched = groups.filter(({ runs }) => runs.some(({ count }) => count > 0));
  return {
    size: sumOf(searched, ({ count }) => count),
    byteLength:
      sumOf(searched, ({ view }) => view.byteLength) +
      searched.reduce((sum, { filter }) => sum + filter.byteLength, 0),
    boundOf: (scopeId) => highestBound(searched, scopeId),
  };
}

/** A run of its own: entries that are strictly sorted, as a decoded tail is; else throws `RangeError`. */
export function filteredEntries(sorted: readonly RevocationEntry[]): FilteredRuns {
  const rows = rowsOf(sorted);
  const filter = new ScopeFilter(rows.count);
  filter.add(rows);
  return { filter, runs: [rows] };
}

/** Whether `iat <= bound` for any scope of the token. */
export function isRevoked(table: RevocationTable, token: TokenScopes): boolean {
  for (const scopeId of token.scopeIds) {
    const bound = table.boundOf(scopeId);
    if (bound !== undefined && token.issuedAtSeconds <= bound) return true;
  }
  return false;
}

/** By index: every request comes by here several times, and iterators would cost as much as the look. */
function highestBound(groups: readonly FilteredRuns[], scopeId: ScopeId): number | undefined {
  let highest: number | undefined;
  for (let at = 0; at < groups.length; at++) {
    const group = groups[at];
    if (group?.filter.mayContain(scopeId) !== true) continue;
    for (const run of group.runs) {
      const bound = boundIn(run, scopeId);
      if (bound !== undefined && (highest === undefined || bound > highest)) highest = bound;
    }
  }
  return highest;
}

function sumOf(groups: readonly FilteredRuns[], measure: (run: EntryRows) => number): number {
  return groups.reduce(
    (sum, { runs }) => runs.reduce((inner, run) => inner + measure(run), sum),
    0,
  );
}
