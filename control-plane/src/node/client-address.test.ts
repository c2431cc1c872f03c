/** Guarantee: a client cannot choose the address that it is judged by (threat 38). */

import { expect, test } from 'vitest';
import { clientAddressOf } from './client-address.ts';

const PROXY = '10.0.0.1';
const CLIENT = '192.0.2.7';

const CASES: ReadonlyArray<
  readonly [what: string, hops: number, forwarded: string | undefined, address: string | undefined]
> = [
  ['without proxies the socket counts', 0, undefined, PROXY],
  ['without proxies the header means nothing', 0, CLIENT, PROXY],
  ['behind one, who that one saw', 1, CLIENT, CLIENT],
  ['behind one, not what the client wrote', 1, `203.0.113.9, ${CLIENT}`, CLIENT],
  ['behind two, who the outer one saw', 2, `203.0.113.9, ${CLIENT}, 10.0.0.2`, CLIENT],
  ['spaces and tabs do not matter', 1, ` 203.0.113.9 ,\t${CLIENT} `, CLIENT],
  ['behind one that says nothing, nobody knows', 1, undefined, undefined],
  ['an empty header says nothing', 1, '', undefined],
  ['past the proxies, nobody knows', 2, CLIENT, undefined],
  ['an empty entry is nobody', 1, `${CLIENT},`, undefined],
  ['a name is no address', 1, 'unknown', undefined],
  ['an obfuscated name is no address', 1, '_hidden', undefined],
  ['half an address is none', 1, '192.0.2', undefined],
  ['an address in octal is none', 1, '0300.0.2.7', undefined],
  ['a zone is not for other hosts', 1, 'fe80::1%eth0', undefined],
  ['with its port', 1, `${CLIENT}:4711`, CLIENT],
  ['IPv6', 1, '2001:db8::7', '2001:db8::7'],
  ['IPv6 in brackets', 1, '[2001:db8::7]', '2001:db8::7'],
  ['IPv6 with its port', 1, '[2001:db8::7]:4711', '2001:db8::7'],
  ['IPv6 and a port without brackets is something else', 1, '2001:db8::7:99999', undefined],
  ['a header that is far too long', 1, `${'9,'.repeat(2000)}${CLIENT}`, undefined],
];

test.each(CASES)('%s (%i hops, %j)', (...[, hops, forwardedFor, address]) => {
  expect(clientAddressOf({ remoteAddress: PROXY, forwardedFor }, hops)).toBe(address);
});

test.each([
  ['fe80::1%eth0', 'fe80::1'],
  ['::ffff:192.0.2.7', '::ffff:192.0.2.7'], // One host with 192.0.2.7: `shared/ip/address`.
  [undefined, undefined],
])('the socket %j is %j', (remoteAddress, address) => {
  expect(clientAddressOf({ remoteAddress, forwardedFor: CLIENT }, 0)).toBe(address);
});
