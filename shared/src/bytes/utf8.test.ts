/** Guarantee: bytes are read as UTF-8 or not at all; nothing is replaced or dropped (RFC 3629 §3). */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeUtf8, encodeUtf8 } from './utf8.ts';

test('every well-formed text comes back', () => {
  const codePoint = fc.oneof(
    fc.integer({ min: 0, max: 0xd7ff }),
    fc.integer({ min: 0xe000, max: 0x10ffff }),
  );
  fc.assert(
    fc.property(fc.array(codePoint, { maxLength: 20 }), (codePoints) => {
      const text = String.fromCodePoint(...codePoints);
      expect(decodeUtf8(encodeUtf8(text))).toBe(text);
    }),
  );
});

test('a byte-order mark is kept', () => {
  expect(decodeUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).toBe('\ufeffa');
});

test.each([
  ['a lone continuation byte', [0x80]],
  ['a cut-off sequence', [0xe2, 0x82]],
  ['an overlong slash', [0xc0, 0xaf]],
  ['an overlong NUL', [0xc0, 0x80]],
  ['a surrogate', [0xed, 0xa0, 0x80]],
  ['beyond U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
  ['0xFF', [0xff]],
  ['a good text with a bad end', [0x61, 0x62, 0xc3]],
])('refuses %s', (_, bytes) => {
  expect(decodeUtf8(Uint8Array.from(bytes))).toBeUndefined();
});
