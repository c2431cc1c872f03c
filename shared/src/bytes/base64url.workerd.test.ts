/** Guarantee: with the decoder of the runtime that answers requests, bytes still have one text. */

import { expect, test } from 'vitest';
import { decodeBase64url, encodeBase64url } from './base64url.ts';

/** 192 zero bytes: what is put behind them is long enough for the runtime's decoder. */
const LONG = 'A'.repeat(256);

test('the runtime has a decoder', () => {
  expect(navigator.userAgent).toBe('Cloudflare-Workers');
  expect(Uint8Array).toHaveProperty('fromBase64');
});

test('bytes of every length come back', () => {
  for (let length = 192; length < 1000; length++) {
    const bytes = crypto.getRandomValues(new Uint8Array(length));
    expect(decodeBase64url(encodeBase64url(bytes))).toEqual(bytes);
  }
});

test.each([
  ...['Zg==', 'Zm8=', '=', '==', 'Zm9v=', 'Zh', 'Zm9', 'Z', 'Zm9vY', ' Zm9v', 'Zm9v\n', 'Zm\r9v'],
  ...[
    'Zm\t9v',
    'Zm9v\f',
    'Zm9v ',
    'Zm9v  ',
    'Zm9v    ',
    'Zm9 vY',
    'Z m',
    ' Z',
    'Zm9v\0',
    'Zm9+',
    'Zm9/',
  ],
  ...['Zm.9v', 'Zm9é', 'Zm9а', 'Zm9\ud800', 'Zg=', 'Zg= =', 'Zg==Zg', 'Zm9v\u2028'],
])('%j behind whole groups is refused', (text) => {
  expect(decodeBase64url(LONG + text)).toBeUndefined();
  expect(decodeBase64url(`${text}${LONG}`)).toEqual(isWhole(text) ? expect.anything() : undefined);
});

/** In front of whole groups it is text like any other if it is of the alphabet, and of a length that is one. */
function isWhole(text: string): boolean {
  return /^[A-Za-z0-9_-]+$/.test(text) && text.length % 4 !== 1;
}

test('one to three characters of white space and padding, everywhere, are refused', () => {
  for (const rest of ['', 'Zg', 'Zm8', 'Zm9v']) {
    for (const extra of [' ', '\n\n', '\t\t\t', '=', '==', '===', ' =', '= ']) {
      for (const at of [0, 1, 2, 3, 128, 253, 254, 255, 256]) {
        const text = LONG + rest;
        expect(decodeBase64url(text.slice(0, at) + extra + text.slice(at))).toBeUndefined();
      }
    }
  }
});
