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
    log: (_level, event) => logged.push(event),
  });
  expect(await attempts.blockedForSeconds('192.0.2.1')).toBe(0);
  expect(await attempts.failed('192.0.2.1')).toBe(0);
  expect(logged).toEqual(['attempt_limiter_unreachable', 'attempt_limiter_unreachable']);
});
