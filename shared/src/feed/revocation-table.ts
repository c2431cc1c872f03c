/** Look-ups of revocations: what every request asks, from memory alone. */

import { boundIn, type EntryColumns } from './entry-columns.ts';
import type { ScopeId } from './scope-id.ts';
import type { RevocationTable, TokenScopes } from './snapshot.ts';

/**
 * A table over several sorted runs, for an edge the segments (merged) and the tail. If a scope stands
 * in more than one run the highest bound counts. Each run costs a binary search.
 */
export function createRevocationTable(runs: readonly EntryColumns[]): RevocationTable {
  const searched = runs.filter((run) => run.high.length > 0);
  const size = searched.reduce((sum, run) => sum + run.high.length, 0);
  return { size, boundOf: (scopeId) => highestBound(searched, scopeId) };
}

/** Whether `iat <= bound` for any scope of the token. */
export function isRevoked(table: RevocationTable, token: TokenScopes): boolean {
  for (const scopeId of token.scopeIds) {
    const bound = table.boundOf(scopeId);
    if (bound !== undefined && token.issuedAtSeconds <= bound) return true;
  }
  return false;
}

function highestBound(runs: readonly EntryColumns[], scopeId: ScopeId): number | undefined {
  let highest: number | undefined;
  for (const run of runs) {
    const bound = boundIn(run, scopeId);
    if (bound !== undefined && (highest === undefined || bound > highest)) highest = bound;
  }
  return highest;
}
