/** Guarantee: what a process knows of blocked addresses is right, short-lived and bounded. */

import { unixMilliseconds } from '@cardea/shared/time';
import { expect, test } from 'vitest';
import { BlockedAddresses } from './blocked-addresses.ts';

function addresses() {
  const clock = { at: 1_000_000, now: () => unixMilliseconds(clock.at) };
  return { clock, blocked: new BlockedAddresses(clock) };
}

test('an address is blocked for as long as was said, and no other one is', () => {
  const { blocked, clock } = addresses();
  blocked.block('192.0.2.1', 10);
  expect(blocked.blockedForSeconds('192.0.2.1')).toBe(10);
  expect(blocked.blockedForSeconds('::ffff:192.0.2.1')).toBe(10);
  for (const other of ['192.0.2.2', '2001:db8::1', undefined, 'nonsense']) {
    expect(blocked.blockedForSeconds(other)).toBe(0);
  }
  clock.at += 9001;
  expect(blocked.blockedForSeconds('192.0.2.1')).toBe(1);
  clock.at += 999;
  expect(blocked.blockedForSeconds('192.0.2.1')).toBe(0);
});

test('the hosts of one IPv6 network are one address, those without any another', () => {
  const { blocked } = addresses();
  blocked.block('2001:db8::1', 10);
  expect(blocked.blockedForSeconds('2001:db8::ffff')).toBe(10);
  expect(blocked.blockedForSeconds('2001:db8:0:1::1')).toBe(0);
  blocked.block(undefined, 5);
  expect(blocked.blockedForSeconds(undefined)).toBe(5);
});

test('so many are remembered; then the oldest is let go', () => {
  const { blocked } = addresses();
  const address = (i: number) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`;
  for (let i = 0; i <= 10_000; i++) blocked.block(address(i), 60);
  expect(blocked.blockedForSeconds(address(0))).toBe(0);
  expect(blocked.blockedForSeconds(address(1))).toBe(60);
  expect(blocked.blockedForSeconds(address(10_000))).toBe(60);
});
