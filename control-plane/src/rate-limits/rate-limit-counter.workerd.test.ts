/** The counter of one bucket, on its real storage. */

import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import { createWorkersRateLimiter } from './rate-limiter.workers.ts';

const POLICY = { quota: 3, windowSeconds: 3600 };
const counter = () => env.LIMITS.get(env.LIMITS.idFromName(crypto.randomUUID()));

describe('a bucket', () => {
  test('is exact under requests that come at once', async () => {
    const one = counter();
    const taken = await Promise.all(Array.from({ length: 20 }, () => one.take(POLICY)));
    const allowed = taken.filter(({ isAllowed }) => isAllowed);
    expect(allowed.map(({ remaining }) => remaining)).toEqual([2, 1, 0]);
    expect(taken.at(-1)).toMatchObject({ isAllowed: false, remaining: 0 });
  });

  test('is remembered over an eviction', async () => {
    const one = counter();
    for (let i = 0; i < 3; i++) await one.take(POLICY);
    await evictDurableObject(one);
    expect(await one.take(POLICY)).toMatchObject({ isAllowed: false });
  });

  test('is kept by its alarm until it is full again, and deleted then', async () => {
    const one = counter();
    await one.take({ quota: 1, windowSeconds: 1 });
    expect(await runDurableObjectAlarm(one)).toBe(true);
    expect(await one.take({ quota: 1, windowSeconds: 1 })).toMatchObject({ isAllowed: false });
    await new Promise((resolve) => setTimeout(resolve, 1050));
    await runDurableObjectAlarm(one); // Unless the runtime was faster.
    await runInDurableObject(one, async (_: unknown, state: DurableObjectState) => {
      expect((await state.storage.list()).size).toBe(0);
      expect(await state.storage.getAlarm()).toBeNull();
    });
    expect(await one.take({ quota: 1, windowSeconds: 1 })).toMatchObject({ isAllowed: true });
  });

  test('writes nothing for a request that it refuses', async () => {
    const one = counter();
    for (let i = 0; i < 3; i++) await one.take(POLICY);
    const stored = () =>
      runInDurableObject(one, (_: unknown, state: DurableObjectState) =>
        state.storage.get('full_again_at_us'),
      );
    const before = await stored();
    for (let i = 0; i < 3; i++) await one.take(POLICY);
    expect(await stored()).toBe(before);
    expect(before).toBeGreaterThan(Date.now() * 1000);
  });
});

test('buckets do not share counts', async () => {
  const limiter = createWorkersRateLimiter(env.LIMITS);
  const take = (bucket: string) => limiter.take({ bucket, quota: 1, windowSeconds: 60 });
  const [one, other] = [crypto.randomUUID(), crypto.randomUUID()];
  const allowed = [await take(one), await take(other), await take(one)];
  expect(allowed.map(({ isAllowed }) => isAllowed)).toEqual([true, true, false]);
});
