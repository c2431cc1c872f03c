/** Guarantee: a restricted token passes from inside its ranges only; whatever is unreadable is outside. */

import { BlockList } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isAddressAllowed, parseCidr } from './cidr.ts';

describe('inside', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1/32'],
    ['192.0.2.255', '192.0.2.0/24'],
    ['10.255.255.255', '10.0.0.0/8'],
    ['192.0.2.129', '192.0.2.128/25'],
    ['203.0.113.9', '0.0.0.0/0'],
    ['10.9.8.7', '10.1.2.3/8'],
    ['2001:db8::1', '2001:db8::/32'],
    ['2001:0DB8:0::1', '2001:db8::1/128'],
    ['2001:db8:8000::1', '2001:db8:8000::/33'],
    ['fe80::1', '::/0'],
    // IPv4 and its mapped form are one host, in the address and in the range.
    ['::ffff:192.0.2.1', '192.0.2.0/24'],
    ['192.0.2.1', '::ffff:192.0.2.0/120'],
    ['::ffff:c000:201', '::ffff:0:0/96'],
  ])('%s in %s', (address, cidr) => {
    expect(isAddressAllowed(address, [cidr])).toBe(true);
    expect(isAddressAllowed(address, ['198.51.100.0/24', cidr])).toBe(true);
  });
});

describe('outside', () => {
  test.each([
    ['192.0.2.2', ['192.0.2.1/32']],
    ['192.0.3.0', ['192.0.2.0/24']],
    ['192.0.2.127', ['192.0.2.128/25']],
    ['11.0.0.0', ['10.0.0.0/8']],
    ['2001:db9::', ['2001:db8::/32']],
    ['2001:db8:7fff::', ['2001:db8:8000::/33']],
    ['192.0.2.1', ['2001:db8::/32']],
    ['::1', ['0.0.0.0/0']],
    ['192.0.2.1', ['::/0']],
    ['::192.0.2.1', ['192.0.2.0/24']],
    ['192.0.2.1', []],
  ])('%s is not in %j', (address, cidrs) => {
    expect(isAddressAllowed(address, cidrs)).toBe(false);
  });

  test.each([
    '',
    'unknown',
    '192.0.2.1, 198.51.100.1',
    '192.0.2.1:443',
    '0300.0.2.1',
    '[::1]',
    '192.0.2.1\n',
    '::1%lo',
  ])('an address that cannot be read, %j, is in no range', (address) => {
    expect(isAddressAllowed(address, ['0.0.0.0/0', '::/0'])).toBe(false);
  });

  test.each([
    '',
    '/',
    '0.0.0.0',
    '0.0.0.0/',
    '/0',
    '*',
    'any',
    '0.0.0.0/00',
    '0.0.0.0/-1',
    '0.0.0.0/33',
    '0/0',
  ])('a range that cannot be read, %j, contains nothing and hides no other', (cidr) => {
    expect(isAddressAllowed('192.0.2.1', [cidr])).toBe(false);
    expect(isAddressAllowed('192.0.2.1', [cidr, '192.0.2.1/32'])).toBe(true);
  });
});

test.each([
  ...[
    '10.0.0.0',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/08',
    '10.0.0.0/ 8',
    '10.0.0.0/8 ',
    '10.0.0.0/8/8',
  ],
  ...[
    '10.0.0.0/255.0.0.0',
    '10.0.0.0/+8',
    '10.0.0.0/1e1',
    '10.0.0/8',
    '::/129',
    '::1',
    '::ffff:1.2.3.4/129',
  ],
])('parseCidr refuses %j', (text) => {
  expect(parseCidr(text)).toBeUndefined();
});

test('a mapped range is held as the IPv4 range that it is; a wider one stays IPv6', () => {
  expect(parseCidr('::ffff:10.0.0.0/104')).toEqual({ network: [10, 0, 0, 0], prefixLength: 8 });
  expect(parseCidr('::ffff:10.0.0.0/95')?.network).toHaveLength(16);
});

test('agrees with node:net BlockList', () => {
  const v4 = fc.tuple(fc.ipV4(), fc.ipV4(), fc.nat(32), fc.constant<'ipv4' | 'ipv6'>('ipv4'));
  const v6 = fc.tuple(fc.ipV6(), fc.ipV6(), fc.nat(128), fc.constant<'ipv4' | 'ipv6'>('ipv6'));
  fc.assert(
    fc.property(
      fc.oneof(v4, v6),
      fc.boolean(),
      ([network, other, prefixLength, family], isNear) => {
        // Half of the time an address that shares most of its text with the network.
        const address = isNear ? network.replace(/[0-9]$/, '1') : other;
        if (address.startsWith('::ffff:') || network.startsWith('::ffff:')) return;
        const list = new BlockList();
        list.addSubnet(network, prefixLength, family);
        expect(isAddressAllowed(address, [`${network}/${prefixLength}`])).toBe(
          list.check(address, family),
        );
      },
    ),
    { numRuns: 1000 },
  );
});
