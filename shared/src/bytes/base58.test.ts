/** Guarantee: base58 is a bijection between byte strings and texts of its alphabet. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeBase58, encodeBase58 } from './base58.ts';

const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

/** From the Base58 draft (draft-msporny-base58-03 §5) and by hand for zeros. */
const VECTORS: ReadonlyArray<readonly [string, string]> = [
  ['', ''],
  ['00', '1'],
  ['0000', '11'],
  ['39', 'z'],
  ['3a', '21'],
  ['ff', '5Q'],
  ['48656c6c6f20576f726c6421', '2NEpo7TZRRrLZSi2U'],
  ['0000287fb4cd', '11233QC4'],
  [
    '54686520717569636b2062726f776e20666f78206a756d7073206f76657220746865206c617a7920646f672e',
    'USm3fpXnKG5EUBx2ndxBDMPVciP5hGey2Jh4NDv6gmeo1LkMeiKrLJUUBk6Z',
  ],
];

test.each(VECTORS)('%s is %s', (hex, text) => {
  const bytes = Uint8Array.from(Buffer.from(hex, 'hex'));
  expect(encodeBase58(bytes)).toBe(text);
  expect(decodeBase58(text)).toEqual(bytes);
});

test('every byte string comes back, leading zeros included', () => {
  const bytes = fc
    .tuple(fc.nat(6), fc.uint8Array({ maxLength: 60 }))
    .map(([zeros, rest]) => Uint8Array.from([...new Uint8Array(zeros), ...rest]));
  fc.assert(
    fc.property(bytes, (input) => {
      expect(decodeBase58(encodeBase58(input))).toEqual(input);
    }),
  );
});

test('every text of the alphabet comes back: there is no second spelling', () => {
  const text = fc.string({ unit: fc.constantFrom(...ALPHABET), maxLength: 70 });
  fc.assert(
    fc.property(text, (input) => {
      const bytes = decodeBase58(input);
      expect(bytes && encodeBase58(bytes)).toBe(input);
    }),
  );
});

describe('refuses what is outside of the alphabet', () => {
  test.each(['0', 'O', 'I', 'l', ' ', '+', '/', '_', '-', '\n', '\0', 'é', '１', '\ud83d'])(
    '%j',
    (character) => {
      expect(decodeBase58(character)).toBeUndefined();
      expect(decodeBase58(`2${character}`)).toBeUndefined();
      expect(decodeBase58(`${character}2`)).toBeUndefined();
    },
  );

  test('every code unit but the 58', () => {
    for (let code = 0; code < 0x200; code++) {
      const character = String.fromCharCode(code);
      expect(decodeBase58(character) !== undefined).toBe(ALPHABET.includes(character));
    }
  });
});
