import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeHex } from '../bytes/hex.ts';
import { refuse } from '../result.ts';
import { decodeEntries, encodeEntries, FOR_GOOD, mergeEntries } from './entry.ts';
import { entry } from './testing/feed-fixture.ts';

const uint32 = fc.integer({ min: 0, max: 0xffffffff });
/** Few distinct scopes, so that collisions happen. */
const anyEntry = fc
  .tuple(fc.oneof(fc.integer({ min: 0, max: 3 }), uint32), fc.integer({ min: 0, max: 3 }), uint32)
  .map(([high, low, bound]) => entry(high, low, bound));

describe('the encoding', () => {
  test('is 12 big-endian bytes an entry, in order', () => {
    const bytes = encodeEntries([entry(0, 0, 5), entry(1, 0xfffffffe, FOR_GOOD), entry(2, 3, 1)]);
    expect(encodeHex(bytes)).toBe(
      '000000000000000000000005' + '00000001fffffffeffffffff' + '000000020000000300000001',
    );
  });

  test('round trip: whatever is merged decodes to the same entries', () => {
    fc.assert(
      fc.property(fc.array(anyEntry), (entries) => {
        const merged = mergeEntries(entries);
        expect(decodeEntries(encodeEntries(merged))).toEqual({ ok: true, value: merged });
      }),
    );
  });

  test.each([
    ['unsorted by the high word', [entry(2, 0), entry(1, 0)]],
    ['unsorted by the low word', [entry(1, 2), entry(1, 1)]],
    ['a duplicate', [entry(1, 1, 5), entry(1, 1, 6)]],
    ['a bound beyond 32 bits', [entry(1, 1, FOR_GOOD + 1)]],
    ['a negative bound', [entry(1, 1, -1)]],
    ['a fraction', [entry(1, 1.5)]],
    ['not a number', [entry(Number.NaN, 1)]],
  ])('%s is never written', (_, entries) => {
    expect(() => encodeEntries(entries)).toThrow(RangeError);
  });
});

describe('decoding', () => {
  const invalid = refuse('feed_invalid', { rule: 'entries' });
  const sorted = encodeEntries([entry(1, 1, 7), entry(1, 2, 7), entry(3, 0, 7)]);

  test('accepts nothing at all, and a sorted list', () => {
    expect(decodeEntries(new Uint8Array())).toEqual({ ok: true, value: [] });
    expect(decodeEntries(sorted)).toMatchObject({ ok: true });
  });

  test.each([1, 11, 13, 35])('refuses %i bytes', (length) => {
    expect(decodeEntries(sorted.slice(0, length))).toEqual(invalid);
  });

  test('refuses entries that are out of order or come twice', () => {
    const first = sorted.slice(0, 12);
    const second = sorted.slice(12, 24);
    expect(decodeEntries(Uint8Array.from([...second, ...first]))).toEqual(invalid);
    expect(decodeEntries(Uint8Array.from([...first, ...first]))).toEqual(invalid);
    expect(decodeEntries(Uint8Array.from([...first, ...second]))).toMatchObject({ ok: true });
  });
});

test('merging keeps the highest bound of every scope, in whatever order entries come', () => {
  fc.assert(
    fc.property(fc.array(anyEntry), (entries) => {
      const highest = new Map<string, number>();
      for (const { scopeId, boundSeconds } of entries) {
        const name = `${scopeId.high}:${scopeId.low}`;
        highest.set(name, Math.max(highest.get(name) ?? 0, boundSeconds));
      }
      const merged = mergeEntries(entries);
      expect(merged).toEqual(mergeEntries([...entries].reverse()));
      expect(
        new Map(merged.map((e) => [`${e.scopeId.high}:${e.scopeId.low}`, e.boundSeconds])),
      ).toEqual(highest);
    }),
  );
});
