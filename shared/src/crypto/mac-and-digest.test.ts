/** Guarantee: digest, MAC and comparison are what their standards say. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeHex } from '../bytes/hex.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';
import { sha256 } from './digest.ts';
import { equalConstantTime, equalTextConstantTime } from './equal-constant-time.ts';
import { hmacSha256, importHmacKey } from './hmac.ts';

test('SHA-256 of "abc" (FIPS 180-4 example) and of nothing', async () => {
  expect(encodeHex(await sha256(encodeUtf8('abc')))).toBe(
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  );
  expect(encodeHex(await sha256(new Uint8Array()))).toBe(
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  );
});

test('HMAC-SHA-256, RFC 4231 test cases 1 and 2', async () => {
  const first = await importHmacKey(new Uint8Array(20).fill(0x0b));
  expect(encodeHex(await hmacSha256(first, encodeUtf8('Hi There')))).toBe(
    'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7',
  );
  const second = await importHmacKey(encodeUtf8('Jefe'));
  expect(encodeHex(await hmacSha256(second, encodeUtf8('what do ya want for nothing?')))).toBe(
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  );
});

describe('equalConstantTime', () => {
  test('is equality of bytes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 4, max: 3 }),
        fc.uint8Array({ maxLength: 4, max: 3 }),
        (a, b) => {
          expect(equalConstantTime(a, b)).toBe(encodeHex(a) === encodeHex(b));
          expect(equalConstantTime(a, Uint8Array.from(a))).toBe(true);
        },
      ),
    );
  });

  test('one flipped bit anywhere, and every other length, differ', () => {
    const bytes = Uint8Array.from({ length: 32 }, (_, i) => i);
    for (let i = 0; i < 256; i++) {
      const altered = Uint8Array.from(bytes);
      altered[i >> 3] = (altered[i >> 3] ?? 0) ^ (1 << (i & 7));
      expect(equalConstantTime(bytes, altered)).toBe(false);
    }
    expect(equalConstantTime(bytes, bytes.subarray(0, 31))).toBe(false);
    expect(equalConstantTime(bytes, new Uint8Array())).toBe(false);
    expect(equalConstantTime(new Uint8Array(), new Uint8Array())).toBe(true);
  });
});

describe('equalTextConstantTime', () => {
  test('is equality of texts', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '\u00e9', '\ud800'), maxLength: 3 });
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(equalTextConstantTime(a, b)).toBe(a === b);
        expect(equalTextConstantTime(a, `${a}`)).toBe(true);
      }),
    );
  });

  test('one other digit anywhere, and every other length, differ', () => {
    const hash = 'ab'.repeat(32);
    for (let i = 0; i < 64; i++) {
      const altered = `${hash.slice(0, i)}c${hash.slice(i + 1)}`;
      expect(equalTextConstantTime(hash, altered)).toBe(false);
    }
    expect(equalTextConstantTime(hash, hash.slice(1))).toBe(false);
    expect(equalTextConstantTime(hash, '')).toBe(false);
  });
});
