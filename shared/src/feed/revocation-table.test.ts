import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { refuse } from '../result.ts';
import { unixSeconds } from '../time.ts';
import { decodeRows } from './decode-rows.ts';
import {
  decodeEntries,
  encodeEntries,
  FOR_GOOD,
  mergeEntries,
  type RevocationEntry,
} from './entry.ts';
import { entriesIn, rowsOf } from './entry-rows.ts';
import { objectHash } from './object-hash.ts';
import { createRevocationTable, filteredEntries, isRevoked } from './revocation-table.ts';
import { type FilteredRuns, ScopeFilter } from './scope-filter.ts';
import { EVERYTHING, type ScopeId } from './scope-id.ts';
import { parseSegment } from './segment.ts';
import { entry } from './testing/feed-fixture.ts';

const word = fc.oneof(
  fc.integer({ min: 0, max: 3 }),
  fc.constantFrom(0x7fffffff, 0x80000000, FOR_GOOD),
);
const anyEntry = fc
  .tuple(word, word, fc.integer({ min: 0, max: FOR_GOOD }))
  .map(([high, low, bound]) => entry(high, low, bound));
const runs = fc.array(fc.array(anyEntry).map(mergeEntries), { maxLength: 5 });

/** Segments behind one filter, as an edge has them. */
function filteredRuns(lists: ReadonlyArray<readonly RevocationEntry[]>): FilteredRuns {
  const rows = lists.map(rowsOf);
  const filter = new ScopeFilter(rows.reduce((sum, { count }) => sum + count, 0));
  for (const run of rows) filter.add(run);
  return { filter, runs: rows };
}

/** What a plain map says: the reference. */
function highestBounds(lists: ReadonlyArray<readonly RevocationEntry[]>): Map<bigint, number> {
  const bounds = new Map<bigint, number>();
  for (const { scopeId, boundSeconds } of lists.flat()) {
    const id = idOf(scopeId);
    bounds.set(id, Math.max(bounds.get(id) ?? 0, boundSeconds));
  }
  return bounds;
}

const idOf = ({ high, low }: ScopeId) => (BigInt(high) << 32n) | BigInt(low);

describe('a revocation table', () => {
  test('answers the highest bound of exactly the scope asked, from one group or several', () => {
    fc.assert(
      fc.property(runs, word, word, (lists, high, low) => {
        const expected = highestBounds(lists).get(idOf({ high, low }));
        for (const groups of [[filteredRuns(lists)], lists.map(filteredEntries)]) {
          const table = createRevocationTable(groups);
          expect(table.boundOf({ high, low })).toBe(expected);
          expect(table.size).toBe(lists.flat().length);
        }
      }),
    );
  });

  test('decoded segments are the rows of their entries, and give them back', () => {
    fc.assert(
      fc.property(runs, (lists) => {
        const merged = mergeEntries(lists.flat());
        expect(decodeRows(encodeEntries(merged))).toEqual({ ok: true, value: rowsOf(merged) });
        expect([...entriesIn(rowsOf(merged))]).toEqual(merged);
      }),
    );
  });

  test('rows are refused exactly where a list of entries is: out of order, or twice', () => {
    const bytesOf = (entries: readonly RevocationEntry[]) =>
      Uint8Array.from(entries.flatMap((each) => [...encodeEntries([each])]));
    fc.assert(
      fc.property(fc.array(anyEntry, { maxLength: 4 }), (entries) => {
        const bytes = bytesOf(entries);
        expect(decodeRows(bytes).ok).toBe(decodeEntries(bytes).ok);
      }),
    );
    for (const twice of [EVERYTHING, { high: 1, low: 0x80000000 }]) {
      const each = entry(twice.high, twice.low);
      expect(decodeRows(bytesOf([each]))).toMatchObject({ ok: true });
      const refused = refuse('feed_invalid', { rule: 'entries' });
      expect(decodeRows(bytesOf([each, each]))).toEqual(refused);
    }
  });

  /** Rows are looked at in strides: the first and last of each are compared like the others. */
  test.each([1, 2, 511, 512, 513, 1023, 1024, 1025, 1098])(
    'rows are refused where only two are out of order, at %i',
    (place) => {
      const rising = Array.from({ length: 1100 }, (_, low) => entry(low >>> 1, low));
      expect(decodeRows(encodeEntries(rising)).ok).toBe(true);
      const bytes = encodeEntries(rising);
      const at = place * 12;
      const swapped = bytes.slice();
      swapped.set(bytes.subarray(at + 12, at + 24), at);
      swapped.set(bytes.subarray(at, at + 12), at + 12);
      expect(decodeRows(swapped)).toEqual(refuse('feed_invalid', { rule: 'entries' }));
      const twice = bytes.slice();
      twice.set(bytes.subarray(at, at + 12), at + 12);
      expect(decodeRows(twice).ok).toBe(false);
    },
  );

  test('a filter has every scope of many strides', () => {
    const many = Array.from({ length: 1100 }, (_, low) => entry(low * 7919, low));
    const filter = new ScopeFilter(many.length);
    filter.add(rowsOf(many));
    expect(many.filter(({ scopeId }) => !filter.mayContain(scopeId))).toEqual([]);
  });

  test('is empty without runs', () => {
    for (const table of [createRevocationTable([]), createRevocationTable([filteredRuns([])])]) {
      expect([table.size, table.byteLength]).toEqual([0, 0]);
      expect(table.boundOf(EVERYTHING)).toBeUndefined();
    }
  });

  test('rows of unsorted entries are not made', () => {
    expect(() => filteredEntries([entry(2, 0), entry(1, 0)])).toThrow(RangeError);
  });
});

describe('a table of 60,000 entries in six runs', () => {
  const random = mulberry32(20_261_127);
  const uint32 = () => Math.floor(random() * 2 ** 32);
  /** Random ids, some next to each other, and those at the ends of words, halves and the whole. */
  const anyScope = (): ScopeId => {
    const kind = uint32() % 32;
    const edges = [0, 1, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];
    const high = kind === 0 ? (edges[uint32() % 6] ?? 0) : kind === 1 ? 77 : uint32();
    return { high, low: kind < 3 ? (edges[uint32() % 6] ?? 0) : uint32() };
  };
  const lists = Array.from({ length: 6 }, () =>
    mergeEntries(
      Array.from({ length: 10_000 }, () => ({ scopeId: anyScope(), boundSeconds: uint32() })),
    ),
  );
  const reference = highestBounds(lists);
  const [tail = [], ...segments] = lists;
  const table = createRevocationTable([filteredEntries(tail), filteredRuns(segments)]);

  test('agrees with a map on every entry, on its neighbours, and on 120,000 others', () => {
    const wrong: bigint[] = [];
    const compare = (scopeId: ScopeId) => {
      const id = idOf(scopeId);
      if (table.boundOf(scopeId) !== reference.get(id)) wrong.push(id);
    };
    for (const { scopeId } of lists.flat()) {
      const { high, low } = scopeId;
      compare(scopeId);
      compare({ high, low: (low + 1) >>> 0 });
      compare({ high, low: (low - 1) >>> 0 });
      compare({ high: (high + 1) >>> 0, low });
    }
    for (let i = 0; i < 120_000; i++) compare(anyScope());
    expect(wrong).toEqual([]);
    expect(reference.size).toBeGreaterThan(40_000);
  }, 30_000);

  test('is asked in vain for most scopes that are in no run: the filter says no', () => {
    const filter = filteredRuns(segments).filter;
    let passed = 0;
    for (let i = 0; i < 100_000; i++) {
      if (filter.mayContain({ high: uint32(), low: uint32() })) passed++;
    }
    expect(passed / 100_000).toBeLessThan(0.05);
  });

  test('takes 12 bytes an entry and at most 4 for the filters', () => {
    const bytes = table.byteLength - 12 * table.size;
    expect(bytes).toBeGreaterThan(0);
    expect(bytes).toBeLessThanOrEqual(4 * table.size);
  });
});

describe('a token is revoked', () => {
  const token = { high: 7, low: 7 };
  const key = { high: 8, low: 8 };
  const scopesAt = (iat: number) => ({
    issuedAtSeconds: unixSeconds(iat),
    scopeIds: [token, key, EVERYTHING],
  });
  const tableOf = (...entries: ReturnType<typeof entry>[]) =>
    createRevocationTable([filteredEntries(mergeEntries(entries))]);

  test.each([
    ['up to the bound', tableOf(entry(8, 8, 100)), 100, true],
    ['before the bound', tableOf(entry(8, 8, 100)), 99, true],
    ['not after it', tableOf(entry(8, 8, 100)), 101, false],
    ['for good', tableOf(entry(7, 7)), FOR_GOOD, true],
    ['with everything', tableOf(entry(0, 0, 100)), 100, true],
    ['not by a neighbour', tableOf(entry(7, 6), entry(7, 8), entry(6, 7), entry(8, 7)), 1, false],
    ['not by an empty table', tableOf(), 1, false],
  ])('%s', (...[, table, iat, expected]) => {
    expect(isRevoked(table, scopesAt(iat))).toBe(expected);
  });
});

describe('a segment', () => {
  const bytes = encodeEntries([entry(1, 1), entry(2, 2, 9)]);
  const reference = async (changes = {}) => ({
    ...{ hash: await objectHash(bytes), entryCount: 2 },
    expiresAtSeconds: unixSeconds(1),
    ...changes,
  });

  test('is accepted as its reference says', async () => {
    const expected = rowsOf([entry(1, 1), entry(2, 2, 9)]);
    expect(await parseSegment(bytes, await reference())).toEqual({ ok: true, value: expected });
  });

  test('is refused with another hash, count, length or order', async () => {
    expect(await parseSegment(bytes, await reference({ hash: '0'.repeat(64) }))).toEqual(
      refuse('feed_invalid', { rule: 'segment_hash' }),
    );
    expect(await parseSegment(bytes, await reference({ entryCount: 3 }))).toEqual(
      refuse('feed_invalid', { rule: 'segment_count' }),
    );
    expect(await parseSegment(bytes.slice(12), await reference())).toEqual(
      refuse('feed_invalid', { rule: 'segment_count' }),
    );
    const swapped = Uint8Array.from([...bytes.slice(12), ...bytes.slice(0, 12)]);
    expect(
      await parseSegment(swapped, await reference({ hash: await objectHash(swapped) })),
    ).toEqual(refuse('feed_invalid', { rule: 'entries' }));
    const huge = new Uint8Array(24_000_012);
    expect(await parseSegment(huge, await reference({ entryCount: 2_000_001 }))).toEqual(
      refuse('feed_invalid', { rule: 'segment_too_large' }),
    );
  });
});

/** The generator of that name: the same numbers from the same seed, in [0, 1). */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
