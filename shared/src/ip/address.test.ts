/** Guarantee: an address is read strictly, and each host has one form in bytes. */

import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseAddress } from './address.ts';

const bytesOf = (text: string) => parseAddress(text)?.join('.');

describe('reads', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['0.0.0.0', '0.0.0.0'],
    ['255.255.255.255', '255.255.255.255'],
    ['::', '0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0'],
    ['::1', '0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1'],
    ['1::', '0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0'],
    ['2001:db8::ff00:42:8329', '32.1.13.184.0.0.0.0.0.0.255.0.0.66.131.41'],
    ['2001:0DB8:0:0:0:FF00:0042:8329', '32.1.13.184.0.0.0.0.0.0.255.0.0.66.131.41'],
    ['1:2:3:4:5:6:7::', '0.1.0.2.0.3.0.4.0.5.0.6.0.7.0.0'],
    ['::2:3:4:5:6:7:8', '0.0.0.2.0.3.0.4.0.5.0.6.0.7.0.8'],
    ['64:ff9b::192.0.2.33', '0.100.255.155.0.0.0.0.0.0.0.0.192.0.2.33'],
    ['1:2:3:4:5:6:1.2.3.4', '0.1.0.2.0.3.0.4.0.5.0.6.1.2.3.4'],
    // IPv4-mapped: the IPv4 host, however it is written.
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:c000:0201', '192.0.2.1'],
    ['0:0:0:0:0:ffff:192.0.2.1', '192.0.2.1'],
    // Neighbours of the mapped range are not.
    ['::192.0.2.1', '0.0.0.0.0.0.0.0.0.0.0.0.192.0.2.1'],
    ['::fffe:192.0.2.1', '0.0.0.0.0.0.0.0.0.0.255.254.192.0.2.1'],
  ])('%s', (text, bytes) => {
    expect(bytesOf(text)).toBe(bytes);
  });
});

describe('refuses', () => {
  test.each([
    ...['', ' ', '1', '1.2.3', '1.2.3.4.5', '1.2.3.', '.1.2.3', '1..2.3', '256.1.1.1', '1.1.1.999'],
    ...[
      '01.2.3.4',
      '1.2.3.04',
      '0x1.2.3.4',
      '1e1.2.3.4',
      '+1.2.3.4',
      '-1.2.3.4',
      '1.2.3.4 ',
      ' 1.2.3.4',
    ],
    ...['2130706433', '0177.0.0.1', '127.1', '1.2.3.4\n', '1.2.3.4/32', '1.2.3.4:80', '１.2.3.4'],
    ...[
      ':',
      ':::',
      '1:::2',
      '1::2::3',
      ':1',
      '1:',
      '1:2:3:4:5:6:7',
      '1:2:3:4:5:6:7:8:9',
      '12345::',
    ],
    ...['::1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8::', '1:2:3:4::5:6:7:8', 'g::', '::1%eth0', '[::1]'],
    ...[
      '::1.2.3',
      '::1.2.3.4.5',
      '1.2.3.4::',
      '::1.2.3.4:5',
      '1:2:3:4:5:6:7:1.2.3.4',
      '::01.2.3.4',
    ],
    ...['::ffff:256.1.1.1', '::1/128', '::1 ', 'localhost', '0', `${'0'.repeat(50)}::`],
  ])('%j', (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });
});

test('agrees with node:net on any text of address characters', () => {
  const unit = fc.constantFrom(...'0123456789', ...'::::', '...', '.', 'f', 'A', ' ', '/');
  const near = fc.oneof(
    fc.ipV4(),
    fc.ipV6(),
    fc.string({ unit, maxLength: 20 }),
    fc
      .tuple(fc.oneof(fc.ipV4(), fc.ipV6()), fc.nat(40), unit)
      .map(([text, at, character]) => text.slice(0, at) + character + text.slice(at + 1)),
  );
  fc.assert(
    fc.property(near, (text) => {
      expect({ text, isAddress: parseAddress(text) !== undefined }).toEqual({
        text,
        isAddress: isIP(text) !== 0,
      });
    }),
    { numRuns: 3000 },
  );
});
