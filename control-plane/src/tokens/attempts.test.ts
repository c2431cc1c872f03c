import { unixMilliseconds } from '@cardea/shared/time';
import { describe, expect, test } from 'vitest';
import { bucketOf, createAttempts } from './attempts.ts';

describe('one client is', () => {
  test.each([
    ['one IPv4 address', '192.0.2.1', '192.0.2.2'],
    ['one /64 of IPv6', '2001:db8:0:1::1', '2001:db8:0:2::1'],
  ])('%s', (_, address, other) => expect(bucketOf(address)).not.toBe(bucketOf(other)));

  test.each([
    ['addresses of one /64', '2001:db8:0:1::1', '2001:0DB8::1:ffff:0:0:2'],
    ['an IPv4-mapped address and its IPv4 address', '::ffff:192.0.2.1', '192.0.2.1'],
    ['no address and one that is none', undefined, 'garbage'],
  ])('the same for %s', (_, address, other) => expect(bucketOf(address)).toBe(bucketOf(other)));
});

test.each([
  ['refuses', () => Promise.reject(new Error('overloaded'))],
  ['hangs', () => new Promise<number>(() => {})],
])('a counter that %s lets pass, and is logged', async (_, answer) => {
  const logged: string[] = [];
  const attempts = createAttempts({
    counterOf: () => ({ blockedFor: answer, fail: answer }),
    failuresMax: 1,
    clock: { now: () => unixMilliseconds(0) },
    log: (_level, event) => logged.push(event),
  });
  expect(await attempts.blockedForSeconds('192.0.2.1')).toBe(0);
  expect(await attempts.failed('192.0.2.1')).toBe(0);
  expect(logged).toEqual(['attempt_limiter_unreachable', 'attempt_limiter_unreachable']);
});

test('after a second one asks again, and those who come meanwhile go by what was known', async () => {
  let now = 0;
  const looks: Array<(milliseconds: number) => void> = [];
  const attempts = createAttempts({
    counterOf: () => ({
      blockedFor: () => new Promise((resolve) => looks.push(resolve)),
      fail: async () => 0,
    }),
    failuresMax: 1,
    clock: { now: () => unixMilliseconds(now) },
    log: () => {},
  });
  const address = '192.0.2.1';
  // Of an address that nobody has asked about nothing is known: each waits.
  const firsts = [attempts.blockedForSeconds(address), attempts.blockedForSeconds(address)];
  expect(looks).toHaveLength(2);
  for (const answer of looks) answer(1500);
  expect(await Promise.all(firsts)).toEqual([2, 2]);
  now = 1000;
  const asking = attempts.blockedForSeconds(address);
  expect(await attempts.blockedForSeconds(address)).toBe(1);
  now = 1600;
  expect(await attempts.blockedForSeconds(address)).toBe(0);
  expect(looks).toHaveLength(3);
  looks[2]?.(7000);
  expect(await asking).toBe(7);
  expect(await attempts.blockedForSeconds(address)).toBe(7);
});

test('what the counter said is asked again after a second; a failure is remembered at once', async () => {
  let now = 0;
  let looks = 0;
  const attempts = createAttempts({
    counterOf: () => ({
      blockedFor: async () => {
        looks++;
        return 0;
      },
      fail: async () => 5000,
    }),
    failuresMax: 1,
    clock: { now: () => unixMilliseconds(now) },
    log: () => {},
  });
  expect(await attempts.blockedForSeconds('192.0.2.1')).toBe(0);
  now = 999;
  expect(await attempts.blockedForSeconds('192.0.2.1')).toBe(0);
  expect(looks).toBe(1);
  expect(await attempts.blockedForSeconds('192.0.2.2')).toBe(0);
  expect(looks).toBe(2);
  now = 1000;
  expect(await attempts.blockedForSeconds('192.0.2.1')).toBe(0);
  expect(looks).toBe(3);
  expect(await attempts.failed('192.0.2.1')).toBe(5);
  now = 1900;
  expect(await attempts.blockedForSeconds('192.0.2.1')).toBe(5);
  expect(looks).toBe(3);
});
