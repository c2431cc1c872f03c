/**
 * One revocation: `u64 scope id ‖ u32 bound`, 12 bytes, big-endian. A token is refused if, for any
 * of its scope ids, `iat <= bound`. See `docs/feed.md`.
 */

import { accept, type Result } from '../result.ts';
import { refuseFeed } from './feed-rule.ts';
import type { ScopeId } from './scope-id.ts';

/** The bound that no `iat` passes: revoked for good. */
export const FOR_GOOD = 0xffffffff;

/** Length of one encoded entry. */
export const ENTRY_BYTES = 12;

export interface RevocationEntry {
  readonly scopeId: ScopeId;
  /** Tokens whose `iat` is at or before this second are refused; or {@link FOR_GOOD}. */
  readonly boundSeconds: number;
}

/** Order of scope ids as unsigned 64-bit numbers: negative, zero or positive. */
export function compareScopeIds(a: ScopeId, b: ScopeId): number {
  return a.high === b.high ? a.low - b.low : a.high - b.high;
}

/**
 * The entries in the order of the format: sorted by scope id, each scope once, with the highest of
 * its bounds. So merging never takes a revocation back.
 */
export function mergeEntries(entries: Iterable<RevocationEntry>): RevocationEntry[] {
  const merged: RevocationEntry[] = [];
  for (const entry of [...entries].sort(byScopeThenHighestBound)) {
    const last = merged.at(-1);
    if (last !== undefined && compareScopeIds(last.scopeId, entry.scopeId) === 0) continue;
    merged.push(entry);
  }
  return merged;
}

/**
 * 12 bytes an entry. `sorted` must be strictly sorted by scope id ({@link mergeEntries}) and every
 * number an unsigned 32-bit integer; anything else is a bug of the publisher and throws `RangeError`,
 * because a document that no edge accepts must not be signed.
 */
export function encodeEntries(sorted: readonly RevocationEntry[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(sorted.length * ENTRY_BYTES);
  const view = new DataView(bytes.buffer);
  let previous: ScopeId | undefined;
  let offset = 0;
  for (const entry of sorted) {
    if (previous !== undefined && compareScopeIds(previous, entry.scopeId) >= 0) {
      throw new RangeError('revocation entries are not strictly sorted by scope id');
    }
    writeEntry(view, offset, entry);
    previous = entry.scopeId;
    offset += ENTRY_BYTES;
  }
  return bytes;
}

/** Writes one at `offset`, in bytes. Throws `RangeError` unless every number is an unsigned 32-bit integer. */
export function writeEntry(
  view: DataView,
  offset: number,
  { scopeId, boundSeconds }: RevocationEntry,
): void {
  if (!isUint32(scopeId.high) || !isUint32(scopeId.low) || !isUint32(boundSeconds)) {
    throw new RangeError('a revocation entry is out of range');
  }
  view.setUint32(offset, scopeId.high);
  view.setUint32(offset + 4, scopeId.low);
  view.setUint32(offset + 8, boundSeconds);
}

/**
 * The entries, or `feed_invalid` unless the length is a multiple of 12 and the scope ids rise
 * strictly. So every set of entries has exactly one encoding.
 */
export function decodeEntries(bytes: Uint8Array): Result<RevocationEntry[]> {
  if (bytes.length % ENTRY_BYTES !== 0) return refuseFeed('entries');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries: RevocationEntry[] = [];
  let previous: ScopeId | undefined;
  for (let offset = 0; offset < bytes.length; offset += ENTRY_BYTES) {
    const scopeId = { high: view.getUint32(offset), low: view.getUint32(offset + 4) };
    if (previous !== undefined && compareScopeIds(previous, scopeId) >= 0) {
      return refuseFeed('entries');
    }
    entries.push({ scopeId, boundSeconds: view.getUint32(offset + 8) });
    previous = scopeId;
  }
  return accept(entries);
}

function byScopeThenHighestBound(a: RevocationEntry, b: RevocationEntry): number {
  return compareScopeIds(a.scopeId, b.scopeId) || b.boundSeconds - a.boundSeconds;
}

function isUint32(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 0xffffffff;
}
