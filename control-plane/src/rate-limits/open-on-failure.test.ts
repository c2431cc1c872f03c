/** Threat 31: rate limits open when their counters are away, at once and loudly. */

import { unixMilliseconds } from '@cardea/shared/time';
import { describe, expect, test } from 'vitest';
import { openOnFailure } from './open-on-failure.ts';
import type { RateLimitDecision, RateLimiter } from './rate-limiter.ts';

const REQUEST = { bucket: 'verify/t/k', quota: 1, windowSeconds: 60 };
const LIMITED: RateLimitDecision = {
  ...{ isAllowed: false, remaining: 0, resetSeconds: 60, retryAfterSeconds: 60 },
};

function limits(take: RateLimiter['take']) {
  const logged: string[] = [];
  const clock = { at: 1_000_000, now: () => unixMilliseconds(clock.at) };
  let asked = 0;
  const rateLimiter: RateLimiter = {
    take(request) {
      asked++;
      return take(request);
    },
  };
  const log = (_level: string, event: string, fields: object) =>
    void logged.push(`${event} ${JSON.stringify(fields)}`);
  return { ...openOnFailure({ rateLimiter, clock, log }), clock, logged, asked: () => asked };
}

test('a decision is passed on, a refusing one too', async () => {
  const { logged, take } = limits(async () => LIMITED);
  expect(await take(REQUEST)).toBe(LIMITED);
  expect(logged).toEqual([]);
});

describe.each<[string, RateLimiter['take'], string]>([
  ['hangs', () => new Promise(() => {}), 'TimedOut'],
  ['fails', async () => Promise.reject(new TypeError('secret of the driver')), 'TypeError'],
  [
    'throws',
    () => {
      throw new RangeError('x');
    },
    'RangeError',
  ],
])('a limiter that %s', (_, broken, name) => {
  test('lets pass within 150 ms, and the log says so', async () => {
    const { logged, take } = limits(broken);
    const startedAt = performance.now();
    expect(await take(REQUEST)).toBeUndefined();
    expect(performance.now() - startedAt).toBeLessThan(150);
    expect(logged).toEqual([`rate_limiter_unreachable {"error":"${name}"}`]);
  });

  test('is left alone for a second, then asked again', async () => {
    let isBroken = true;
    const { asked, clock, logged, take } = limits((request) =>
      isBroken ? broken(request) : Promise.resolve(LIMITED),
    );
    await Promise.all([take(REQUEST), take(REQUEST), take(REQUEST)]);
    for (let i = 0; i < 5; i++) expect(await take(REQUEST)).toBeUndefined();
    expect(asked()).toBeLessThanOrEqual(3);
    expect(logged).toHaveLength(1);
    isBroken = false;
    clock.at += 999;
    expect(await take(REQUEST)).toBeUndefined();
    clock.at += 1;
    expect(await take(REQUEST)).toBe(LIMITED);
  });
});
