/** Guarantee: two different lists of parts never frame to the same bytes. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concatBytes, frame } from './framing.ts';
import { encodeHex } from './hex.ts';
import { encodeUtf8 } from './utf8.ts';

describe('frame', () => {
  test('format: 32-bit big-endian length before each part', () => {
    expect(encodeHex(frame('ab', Uint8Array.of(1, 2, 3), ''))).toBe(
      '00000002616200000003010203' + '00000000',
    );
    expect(frame()).toHaveLength(0);
    expect(encodeHex(frame('é'))).toBe('00000002c3a9');
  });

  test.each([
    [
      ['ab', 'c'],
      ['a', 'bc'],
    ],
    [['abc'], ['abc', '']],
    [[], ['']],
    [
      ['', 'a'],
      ['a', ''],
    ],
    [['a\0\0\0\u0001b'], ['a', 'b']],
  ])('%j and %j differ', (left, right) => {
    expect(encodeHex(frame(...left))).not.toBe(encodeHex(frame(...right)));
  });

  test('is injective', () => {
    const parts = fc.array(fc.uint8Array({ maxLength: 5 }), { maxLength: 4 });
    fc.assert(
      fc.property(parts, parts, (left, right) => {
        const areSame =
          JSON.stringify(left.map(encodeHex)) === JSON.stringify(right.map(encodeHex));
        expect(encodeHex(frame(...left)) === encodeHex(frame(...right))).toBe(areSame);
      }),
      { numRuns: 2000 },
    );
  });

  test.each(['', 'a', 'é', '🚪', 'a\0b', '\u{10ffff}'])(
    '%j and its UTF-8 bytes are the same part',
    (text) => {
      expect(encodeHex(frame(text))).toBe(encodeHex(frame(encodeUtf8(text))));
    },
  );
});

test('concatBytes joins in order and copies', () => {
  const first = Uint8Array.of(1, 2);
  const joined = concatBytes(first, new Uint8Array(), Uint8Array.of(3));
  expect([...joined]).toEqual([1, 2, 3]);
  joined[0] = 9;
  expect(first[0]).toBe(1);
  expect(concatBytes()).toHaveLength(0);
});
