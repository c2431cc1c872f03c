import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { refuse } from '../result.ts';
import { unixSeconds } from '../time.ts';
import { encodeEntries, FOR_GOOD, mergeEntries } from './entry.ts';
import { columnsOf, decodeColumns, mergeColumns } from './entry-columns.ts';
import { objectHash } from './object-hash.ts';
import { createRevocationTable, isRevoked } from './revocation-table.ts';
import { EVERYTHING } from './scope-id.ts';
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

describe('a revocation table', () => {
  test('answers the highest bound of exactly the scope asked, merged or not', () => {
    fc.assert(
      fc.property(runs, word, word, (lists, high, low) => {
        const bounds = lists
          .flat()
          .filter(({ scopeId }) => scopeId.high === high && scopeId.low === low)
          .map(({ boundSeconds }) => boundSeconds);
        const expected = bounds.length === 0 ? undefined : Math.max(...bounds);
        const columns = lists.map(columnsOf);
        expect(createRevocationTable(columns).boundOf({ high, low })).toBe(expected);
        const merged = mergeColumns(columns);
        expect(createRevocationTable([merged]).boundOf({ high, low })).toBe(expected);
      }),
    );
  });

  test('merged columns are those of the merged entries, and segments decode to them', () => {
    fc.assert(
      fc.property(runs, (lists) => {
        const merged = mergeEntries(lists.flat());
        expect(mergeColumns(lists.map(columnsOf))).toEqual(columnsOf(merged));
        expect(decodeColumns(encodeEntries(merged))).toEqual({
          ok: true,
          value: columnsOf(merged),
        });
      }),
    );
  });

  test('is empty without runs', () => {
    const table = createRevocationTable([]);
    expect(table.size).toBe(0);
    expect(table.boundOf(EVERYTHING)).toBeUndefined();
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
    createRevocationTable([columnsOf(mergeEntries(entries))]);

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
    const expected = columnsOf([entry(1, 1), entry(2, 2, 9)]);
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
