import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isAddressAllowed } from './cidr.ts';
import { intersectCidrs } from './intersect-cidrs.ts';

test.each([
  [['10.0.0.0/8'], ['10.1.0.0/16', '192.0.2.0/24'], ['10.1.0.0/16']],
  [['10.1.2.0/24'], ['10.0.0.0/8'], ['10.1.2.0/24']],
  [['10.0.0.0/8'], ['10.255.0.1/8'], ['10.0.0.0/8']],
  [['10.0.0.0/8'], ['11.0.0.0/8'], []],
  [['0.0.0.0/0'], ['::/0'], []],
  [['2001:db8::/32', '10.0.0.0/8'], ['2001:db8:1::/48'], ['2001:db8:1::/48']],
  [['::ffff:10.0.0.0/104'], ['10.1.0.0/16'], ['10.1.0.0/16']],
  [['nonsense'], ['0.0.0.0/0'], []],
  [[], ['0.0.0.0/0'], []],
])('%j and %j have %j in common', (ranges, others, common) => {
  expect(intersectCidrs(ranges, others)).toEqual(common);
  expect(intersectCidrs(others, ranges)).toEqual(common);
});

/** Few bits, so that ranges meet. */
const byte = fc.constantFrom(0, 1, 128, 255);
const address = fc.array(byte, { minLength: 4, maxLength: 4 }).map((bytes) => bytes.join('.'));
const range = fc.tuple(address, fc.integer({ min: 0, max: 32 })).map(([a, n]) => `${a}/${n}`);
const ranges = fc.array(range, { maxLength: 4 });

test('an address is in the common ranges exactly if it is in both lists', () => {
  fc.assert(
    fc.property(ranges, ranges, address, (one, other, each) => {
      const isInBoth = isAddressAllowed(each, one) && isAddressAllowed(each, other);
      expect(isAddressAllowed(each, intersectCidrs(one, other))).toBe(isInBoth);
    }),
    { numRuns: 20_000, seed: 1 },
  );
});
