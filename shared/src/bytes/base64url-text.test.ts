/** Guarantee: the quick way by `atob` reads what bytes and a strict decoder would, and refuses the same. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeBase64url, encodeBase64url } from './base64url.ts';
import { decodeBase64urlText } from './base64url-text.ts';
import { decodeUtf8, encodeUtf8 } from './utf8.ts';

function slowly(encoded: string): string | undefined {
  const bytes = decodeBase64url(encoded);
  return bytes === undefined ? undefined : decodeUtf8(bytes);
}

test.each([
  '',
  'a',
  '{"alg":"EdDSA"}',
  'é',
  'ÿ',
  'Καρδέα',
  '🚪',
  '\u0080',
  '\ufeff{}',
  'a\0b',
  '~~~???',
])('%j comes back', (text) => {
  expect(decodeBase64urlText(encodeBase64url(encodeUtf8(text)))).toBe(text);
});

test('any bytes: the same text, or refused by both', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 12 }),
    fc.uint8Array({ maxLength: 12, max: 127 }),
  );
  fc.assert(
    fc.property(bytes, (input) => {
      const encoded = encodeBase64url(input);
      expect(decodeBase64urlText(encoded)).toBe(slowly(encoded));
    }),
    { numRuns: 2000 },
  );
});

test('any text: refused unless canonical', () => {
  const unit = fc.constantFrom(...'ABZaz09-_+/= \né');
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 9 }), (encoded) => {
      expect(decodeBase64urlText(encoded)).toBe(slowly(encoded));
    }),
    { numRuns: 2000 },
  );
});
