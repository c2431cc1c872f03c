/** Guarantee: the filter hides no entry, whatever its size and however much it has been added to. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mergeEntries } from './entry.ts';
import { rowsOf } from './entry-rows.ts';
import { ScopeFilter } from './scope-filter.ts';
import { entry } from './testing/feed-fixture.ts';

const word = fc.oneof(
  fc.constantFrom(0, 1, 0x7fffffff, 0x80000000, 0xffffffff),
  fc.integer({ min: 0, max: 0xffffffff }),
);
const entries = fc.array(fc.tuple(word, word)).map((pairs) => {
  return mergeEntries(pairs.map(([high, low]) => entry(high, low)));
});

test('what was added may be contained', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 5000 }), fc.array(entries), (size, lists) => {
      const filter = new ScopeFilter(size);
      for (const list of lists) filter.add(rowsOf(list));
      for (const { scopeId } of lists.flat()) expect(filter.mayContain(scopeId)).toBe(true);
    }),
  );
});

test('an empty one contains nothing', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 5000 }), word, word, (size, high, low) => {
      expect(new ScopeFilter(size).mayContain({ high, low })).toBe(false);
    }),
  );
});

test('it holds two words at least and at most 4 bytes an entry', () => {
  const sizes = [0, 1, 4, 5, 1024, 1025, 1_000_000, 2_000_000];
  expect(sizes.map((size) => new ScopeFilter(size).byteLength)).toEqual([
    ...[8, 8, 8, 16, 2048, 4096],
    ...[2 ** 21, 2 ** 22],
  ]);
});

test('it has room for what it was made for and up to as much again', () => {
  const filter = new ScopeFilter(1024);
  const rows = rowsOf(Array.from({ length: 1024 }, (_, index) => entry(index, index)));
  expect([filter.hasRoomFor(2048), filter.hasRoomFor(2049)]).toEqual([true, false]);
  filter.add(rows);
  expect([filter.hasRoomFor(1024), filter.hasRoomFor(1025)]).toEqual([true, false]);
});
