import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RATE_LIMIT_QUOTA_MAX, RATE_LIMIT_WINDOW_SECONDS_MAX } from '../limits.ts';
import { type GcraPolicy, gcra, paceOf } from './gcra.ts';

const START = 1_800_000_000_000_000;
const SECOND = 1_000_000;

/** A bucket at a clock that the test moves. */
function bucket(policy: GcraPolicy) {
  let state: number | undefined;
  return (at: number, changed: GcraPolicy = policy) => {
    const { decision, fullAgainAt } = gcra(state, changed, START + at);
    state = fullAgainAt;
    return decision;
  };
}

const policies = fc.record({
  quota: fc.oneof(
    fc.integer({ min: 1, max: 20 }),
    fc.integer({ min: 1, max: 1_000_000 }),
    fc.constantFrom(1, 3, 7, 1000, 2 ** 31, RATE_LIMIT_QUOTA_MAX),
  ),
  windowSeconds: fc.oneof(
    fc.integer({ min: 1, max: 86_400 }),
    fc.constantFrom(1, 1.5, 60, 3600.000001, RATE_LIMIT_WINDOW_SECONDS_MAX, 1e12),
  ),
});
/** Pauses of up to a few windows of a small policy, many of them none. */
const pauses = fc.array(
  fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3 * SECOND }), fc.integer({ max: 9, min: 1 })),
  { minLength: 1, maxLength: 60 },
);

describe('a bucket that was not used', () => {
  test('lets a whole quota pass at once, and no more', () => {
    const take = bucket({ quota: 3, windowSeconds: 60 });
    expect(take(0)).toEqual({
      ...{ isAllowed: true, remaining: 2, resetSeconds: 20, retryAfterSeconds: 0 },
    });
    expect(take(0)).toMatchObject({ isAllowed: true, remaining: 1, resetSeconds: 40 });
    expect(take(0)).toEqual({
      ...{ isAllowed: true, remaining: 0, resetSeconds: 60, retryAfterSeconds: 20 },
    });
    const refused = { isAllowed: false, remaining: 0, resetSeconds: 60, retryAfterSeconds: 20 };
    expect(take(0)).toEqual(refused);
    expect(take(0)).toEqual(refused); // A refused request costs nothing.
  });

  test('gives back one request each interval, and the whole quota after a window', () => {
    const take = bucket({ quota: 3, windowSeconds: 60 });
    for (let i = 0; i < 3; i++) take(0);
    expect(take(20 * SECOND - 1).isAllowed).toBe(false);
    expect(take(20 * SECOND)).toMatchObject({ isAllowed: true, remaining: 0 });
    expect(take(20 * SECOND).isAllowed).toBe(false);
    expect(take(80 * SECOND)).toMatchObject({ isAllowed: true, remaining: 2 });
  });
});

test.each([
  [{ quota: 100, windowSeconds: 60 }, 600_000],
  [{ quota: 7, windowSeconds: 60 }, 8_571_429],
  [{ quota: 1, windowSeconds: 1.5 }, 1_500_000],
  [{ quota: 3_000_000, windowSeconds: 1 }, 1],
  [{ quota: RATE_LIMIT_QUOTA_MAX, windowSeconds: 1 }, 1],
  [{ quota: 1, windowSeconds: 1e12 }, RATE_LIMIT_WINDOW_SECONDS_MAX * SECOND],
])('the interval of %j is %d µs', (policy, interval) => {
  expect(paceOf(policy).interval).toBe(interval);
});

test('no arithmetic of any policy leaves the integers', () => {
  fc.assert(
    fc.property(policies, (policy) => {
      const { interval, burst } = paceOf(policy);
      expect(interval).toBeGreaterThanOrEqual(1);
      expect(Number.isSafeInteger(interval)).toBe(true);
      expect(Number.isSafeInteger(burst)).toBe(true);
      const { fullAgainAt } = gcra(START + burst, policy, START);
      expect(Number.isSafeInteger(fullAgainAt)).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test('in any span of time at most quota + span / interval requests are allowed', () => {
  const small = fc.record({
    quota: fc.integer({ min: 1, max: 12 }),
    windowSeconds: fc.integer({ min: 1, max: 10 }),
  });
  fc.assert(
    fc.property(small, pauses, (policy, gaps) => {
      const { interval } = paceOf(policy);
      const take = bucket(policy);
      const allowed: number[] = [];
      let at = 0;
      for (const gap of gaps) {
        at += gap;
        if (take(at).isAllowed) allowed.push(at);
      }
      for (const [first, from] of allowed.entries()) {
        for (const [last, to] of allowed.entries()) {
          if (last < first) continue;
          const most = policy.quota + Math.floor((to - from) / interval);
          expect(last - first + 1).toBeLessThanOrEqual(most);
          // So within one window there are fewer than twice the quota.
          if (to - from < policy.windowSeconds * SECOND) {
            expect(last - first + 1).toBeLessThan(2 * policy.quota);
          }
        }
      }
    }),
    { numRuns: 300 },
  );
});

test('whoever keeps the interval is never refused', () => {
  fc.assert(
    fc.property(policies, fc.array(fc.integer({ min: 0, max: 999 })), (policy, lateness) => {
      const { interval } = paceOf(policy);
      const take = bucket(policy);
      let at = 0;
      for (const late of lateness) {
        expect(take(at).isAllowed).toBe(true);
        at += interval + late;
        if (at > 2 ** 51) break;
      }
    }),
  );
});

test('what an answer says of the future is exact', () => {
  fc.assert(
    fc.property(policies, pauses, (policy, gaps) => {
      let state: number | undefined;
      let now = START;
      for (const gap of gaps) {
        now += gap;
        const { decision, fullAgainAt } = gcra(state, policy, now);
        state = fullAgainAt;
        const { burst, interval } = paceOf(policy);
        const isFree = (at: number) => gcra(fullAgainAt, policy, at).decision.isAllowed;
        const retryAt = now + Math.round(decision.retryAfterSeconds * SECOND);
        expect(isFree(retryAt)).toBe(true);
        if (retryAt > now) expect(isFree(retryAt - 1)).toBe(false);
        expect(decision.remaining > 0).toBe(isFree(now));
        expect(decision.remaining).toBeLessThanOrEqual(policy.quota - 1);
        // After so many requests at once nothing is left, and not before.
        const spent = { now, fullAgainAt: fullAgainAt + interval * decision.remaining };
        expect(spent.fullAgainAt - now).toBeLessThanOrEqual(burst);
        expect(gcra(spent.fullAgainAt, policy, now).decision.isAllowed).toBe(false);
      }
    }),
    { numRuns: 300 },
  );
});

test('nobody waits longer than a window, whatever the clock or the policy did', () => {
  fc.assert(
    fc.property(policies, fc.integer({ min: 0, max: 2 ** 52 }), (policy, state) => {
      const { decision } = gcra(state, policy, START);
      const { burst, interval } = paceOf(policy);
      expect(decision.resetSeconds * SECOND).toBeLessThanOrEqual(burst + 1);
      expect(decision.retryAfterSeconds * SECOND).toBeLessThanOrEqual(interval + 1);
    }),
  );
});
