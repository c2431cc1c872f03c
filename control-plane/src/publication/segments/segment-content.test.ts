import { encodeEntries, mergeEntries, type RevocationEntry } from '@cardea/shared/feed/entry';
import { describe, expect, test } from 'vitest';
import { createRandom } from '../../../../test/simulation/random.ts';
import {
  boundIn,
  ContentWriter,
  entriesAfter,
  entriesOf,
  mergeContents,
} from './segment-content.ts';

const random = createRandom(7);

/** Few scopes, some of them with the top bit set: 32-bit numbers must not be compared as signed ones. */
function someEntries(count: number): RevocationEntry[] {
  const entries = Array.from({ length: count }, () => ({
    scopeId: {
      high: random.pick([0, 1, 0x7fffffff, 0x80000000, 0xffffffff]),
      low: random.pick([0, 1, 2, 0x7fffffff, 0x80000000, 0xffffffff]),
    },
    boundSeconds: random.pick([0, 5, 0x80000000, 0xffffffff]),
  }));
  return mergeEntries(entries);
}

describe('merged contents', () => {
  test('are what merging the entries gives, whatever the runs', () => {
    for (let round = 0; round < 300; round++) {
      const runs = Array.from({ length: random.integer(0, 6) }, () =>
        someEntries(random.integer(0, 20)),
      );
      const merged = mergeContents(runs.map(encodeEntries));
      expect(merged).toEqual(encodeEntries(mergeEntries(runs.flat())));
    }
  });

  test('do not share memory with what they were made of', () => {
    const one = encodeEntries(someEntries(5));
    const merged = mergeContents([one]);
    one.fill(0);
    expect(merged).not.toEqual(one);
  });
});

describe('what a writer was given', () => {
  test.each([0, 1, 255, 256, 257, 1025])(
    '%i entries are what encoding them at once gives',
    (count) => {
      const entries = Array.from({ length: count }, (_, i) => ({
        scopeId: { high: i * 4_000_000, low: 0xffffffff - i },
        boundSeconds: i % 2 === 0 ? 0xffffffff : i,
      }));
      const writer = new ContentWriter();
      for (const entry of entries) writer.append(entry);
      expect(writer.entryCount).toBe(count);
      expect(writer.content()).toEqual(encodeEntries(entries));
    },
  );

  test.each([-1, 0x1_0000_0000, 0.5, Number.NaN])('a bound of %d is a bug', (boundSeconds) => {
    const entry = { scopeId: { high: 1, low: 1 }, boundSeconds };
    expect(() => new ContentWriter().append(entry)).toThrow(RangeError);
  });
});

describe('a content', () => {
  const entries = someEntries(25);
  const content = encodeEntries(entries);

  test('has a bound for each of its scopes and for no other', () => {
    for (const { scopeId, boundSeconds } of entries) {
      expect(boundIn(content, scopeId)).toBe(boundSeconds);
    }
    expect(boundIn(content, { high: 3, low: 3 })).toBeUndefined();
    expect(boundIn(new Uint8Array(0), { high: 3, low: 3 })).toBeUndefined();
  });

  test.each([1, 7, 25, 100])('is read in pages of %i', (count) => {
    const read: RevocationEntry[] = [];
    for (;;) {
      const page = entriesAfter(content, { afterScopeId: read.at(-1)?.scopeId, count });
      if (page.length === 0) break;
      read.push(...page);
    }
    expect(read).toEqual(entries);
  });

  test('that is cut off or out of order is a bug', () => {
    expect(() => entriesOf(content.subarray(1))).toThrow(TypeError);
    expect(() => entriesOf(content.toReversed())).toThrow(TypeError);
  });
});
