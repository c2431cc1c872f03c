/** Foreign entries, checked: the tail of a head, the content of a segment. */

import { accept, type Result } from '../result.ts';
import { ENTRY_BYTES } from './entry.ts';
import { type EntryRows, viewRows } from './entry-rows.ts';
import { refuseFeed } from './feed-rule.ts';
import { ScopeFilter } from './scope-filter.ts';

/**
 * Reads `bytes`, which the rows go on using, and adds their scopes to `filter`. Refuses with
 * `feed_invalid` unless the length is a multiple of 12 and the scope ids rise strictly; then there may
 * be scopes in the filter that are nowhere, which changes no answer.
 */
export function decodeRows(
  bytes: Uint8Array<ArrayBuffer>,
  filter = new ScopeFilter(0),
): Result<EntryRows> {
  if (bytes.length % ENTRY_BYTES !== 0) return refuseFeed('entries');
  const rows = viewRows(bytes);
  return filter.add(rows) ? accept(rows) : refuseFeed('entries');
}
