/** Guarantee: a UUID has one text, lowercase, and is of version 4 (RFC 9562 §4, §5.4). */

import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatUuid, isUuidV4, isUuidV4Bytes, parseUuidV4, uuidV4FromRandom } from './uuid.ts';

const GOOD = '3f8e5d0a-8c51-4b7e-9d12-6a0f4c2b7e91';

test('16 random bytes make a version-4 UUID that comes back; the 122 other bits are kept', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (random) => {
      const before = Uint8Array.from(random);
      const bytes = uuidV4FromRandom(random);
      const text = formatUuid(bytes);
      expect(isUuidV4(text)).toBe(true);
      expect(isUuidV4Bytes(bytes)).toBe(true);
      expect(isUuidV4Bytes(random)).toBe(isUuidV4(formatUuid(random)));
      expect(isUuidV4Bytes(bytes.subarray(1))).toBe(false);
      expect(parseUuidV4(text)).toEqual(bytes);
      expect(random).toEqual(before);
      const mask = (input: Uint8Array) =>
        input.map((byte, i) => (i === 6 ? byte & 0x0f : i === 8 ? byte & 0x3f : byte));
      expect(mask(bytes)).toEqual(mask(random));
    }),
  );
});

test('what the runtime makes is accepted', () => {
  for (let i = 0; i < 100; i++) expect(isUuidV4(randomUUID())).toBe(true);
});

test.each([
  '',
  GOOD.toUpperCase(),
  `${GOOD}\n`,
  ` ${GOOD}`,
  `{${GOOD}}`,
  `urn:uuid:${GOOD}`,
  GOOD.replaceAll('-', ''),
  GOOD.replace('4b7e', '1b7e'),
  GOOD.replace('4b7e', '7b7e'),
  GOOD.replace('9d12', 'cd12'),
  GOOD.replace('9d12', '0d12'),
  GOOD.replace('3f', '3g'),
  GOOD.slice(0, -1),
  `${GOOD}0`,
  '00000000-0000-0000-0000-000000000000',
  'ffffffff-ffff-ffff-ffff-ffffffffffff',
])('refuses %j', (text) => {
  expect(isUuidV4(text)).toBe(false);
  expect(parseUuidV4(text)).toBeUndefined();
});
