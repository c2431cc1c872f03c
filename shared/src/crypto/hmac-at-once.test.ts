/** Guarantee: what answers at once says the same as WebCrypto and RFC 4231, and calls leave nothing behind. */

import { describe, expect, test } from 'vitest';
import { encodeHex } from '../bytes/hex.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';
import {
  hmacSha256AtOnce,
  hmacUnderPrepared,
  prepareHmacKey,
  sha256AtOnce,
} from './hmac-at-once.ts';
import { openSecretBox, sealSecretBox } from './secret-box.ts';

const bytes = (length: number, seed: number) =>
  Uint8Array.from({ length }, (_, i) => (i * 31 + seed * 7 + length) & 255);

test.each([
  [
    '4.2',
    new Uint8Array(20).fill(0x0b),
    'Hi There',
    'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7',
  ],
  [
    '4.3',
    encodeUtf8('Jefe'),
    'what do ya want for nothing?',
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  ],
  [
    '4.7',
    new Uint8Array(131).fill(0xaa),
    'Test Using Larger Than Block-Size Key - Hash Key First',
    '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
  ],
])('RFC 4231 §%s', (...[, key, message, code]) => {
  expect(encodeHex(hmacSha256AtOnce(key, encodeUtf8(message)))).toBe(code);
});

test('WebCrypto agrees for every length of keys and messages around the blocks', async () => {
  const lengths = [0, 1, 31, 32, 33, 54, 55, 56, 63, 64, 65, 119, 120, 128, 129, 1000];
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  for (const keyLength of lengths.slice(1)) {
    const key = bytes(keyLength, 1);
    const imported = await crypto.subtle.importKey('raw', key, algorithm, false, ['sign']);
    for (const length of lengths) {
      const message = bytes(length, 2);
      const expected = new Uint8Array(await crypto.subtle.sign('HMAC', imported, message));
      expect([keyLength, length, hmacSha256AtOnce(key, message)]).toEqual([
        keyLength,
        length,
        expected,
      ]);
    }
  }
});

test('so does it for digests, which nothing before them changes', async () => {
  for (const length of [0, 1, 32, 55, 56, 63, 64, 65, 119, 120, 1000]) {
    const message = bytes(length, 4);
    const expected = new Uint8Array(await crypto.subtle.digest('SHA-256', message));
    expect(sha256AtOnce(message)).toEqual(expected);
    hmacSha256AtOnce(message, message);
    expect(sha256AtOnce(message)).toEqual(expected);
  }
});

test('a key that is a result, a message that is a result, and both again', () => {
  const key = bytes(32, 3);
  const first = hmacSha256AtOnce(key, key);
  const copy = Uint8Array.from(first);
  const second = hmacSha256AtOnce(first, first);
  expect(first).toEqual(copy);
  expect(hmacSha256AtOnce(copy, copy)).toEqual(second);
  expect(key).toEqual(bytes(32, 3));
});

test('a prepared key says the same, as often as it is asked and whatever else is computed between', () => {
  const lengths = [0, 1, 55, 56, 63, 64, 65, 119, 120, 128, 1000];
  const keys = [0, 1, 32, 63, 64, 65, 200].map((length) => bytes(length, 8));
  const prepared = keys.map((key) => ({ key, prepared: prepareHmacKey(key) }));
  for (let round = 0; round < 2; round++) {
    for (const length of lengths) {
      const message = bytes(length, round);
      for (const { key, prepared: under } of prepared) {
        expect(hmacUnderPrepared(under, message)).toEqual(hmacSha256AtOnce(key, message));
      }
    }
  }
});

describe('secret box', () => {
  const key = bytes(32, 4);
  const sealed = sealSecretBox(key, { plaintext: bytes(32, 5), nonce: bytes(24, 6) });

  test('positive control', () => {
    expect(sealed).toHaveLength(24 + 16 + 32);
    expect(openSecretBox(key, sealed)).toEqual(bytes(32, 5));
  });

  test('another key, every bit of it, and every length: nothing is opened', () => {
    expect(openSecretBox(bytes(32, 7), sealed)).toBeUndefined();
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const altered = Uint8Array.from(sealed);
      altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(openSecretBox(key, altered)).toBeUndefined();
    }
    for (let length = 0; length < sealed.length; length++) {
      expect(openSecretBox(key, sealed.slice(0, length))).toBeUndefined();
    }
  });
});
