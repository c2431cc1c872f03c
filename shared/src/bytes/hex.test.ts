/** Guarantee: one lowercase text per byte string. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeHex, encodeHex } from './hex.ts';

test('every byte string comes back, written as Buffer writes it', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      expect(encodeHex(bytes)).toBe(Buffer.from(bytes).toString('hex'));
      expect(decodeHex(encodeHex(bytes))).toEqual(bytes);
    }),
  );
});

test.each(['0', 'abc', 'AB', 'aB', 'g0', '0x00', ' 00', '00 ', '00\n', '０0', '-1', '+1', '\0\0'])(
  'refuses %j',
  (text) => {
    expect(decodeHex(text)).toBeUndefined();
  },
);

test('refuses no digit pair that looks like a number in another notation', () => {
  expect(decodeHex('1e')).toEqual(Uint8Array.of(0x1e));
});
