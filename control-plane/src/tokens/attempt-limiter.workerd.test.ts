/** The counter of one address, on its real storage. The window is moved by moving its row. */

import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';

const counter = () => env.ATTEMPTS.get(env.ATTEMPTS.idFromName(crypto.randomUUID()));

describe('a window', () => {
  test('lets so many failures pass, and blocks from then on', async () => {
    const one = counter();
    expect(await one.blockedFor(3)).toBe(0);
    expect([await one.fail(3), await one.fail(3)]).toEqual([0, 0]);
    expect(await one.blockedFor(3)).toBe(0);
    expect(await one.fail(3)).toBe(0);
    expect(await one.blockedFor(3)).toBeGreaterThan(0);
    expect(await one.fail(3)).toBeGreaterThan(0);
    expect(await one.fail(3)).toBeLessThanOrEqual(60_000);
  });

  test('counts failures that come at once', async () => {
    const one = counter();
    const answers = await Promise.all(Array.from({ length: 20 }, () => one.fail(10)));
    expect(answers.filter((milliseconds) => milliseconds === 0)).toHaveLength(10);
  });

  test('is remembered over an eviction', async () => {
    const one = counter();
    await one.fail(1);
    await evictDurableObject(one);
    expect(await one.blockedFor(1)).toBeGreaterThan(0);
  });

  test('ends after a minute', async () => {
    const one = counter();
    await one.fail(1);
    await runInDurableObject(one, (_: unknown, state: DurableObjectState) => {
      state.storage.sql.exec('UPDATE window SET started_at_ms = started_at_ms - 60000');
    });
    expect(await one.blockedFor(1)).toBe(0);
    expect(await one.fail(1)).toBe(0);
    expect(await one.blockedFor(1)).toBeGreaterThan(0);
  });

  test('is deleted by the alarm, and the next one begins anew', async () => {
    const one = counter();
    await one.fail(1);
    expect(await runDurableObjectAlarm(one)).toBe(true);
    await runInDurableObject(one, async (_: unknown, state: DurableObjectState) => {
      const tables = "SELECT count(*) AS n FROM sqlite_master WHERE name = 'window'";
      expect(state.storage.sql.exec(tables).one()).toEqual({ n: 0 });
    });
    expect(await one.blockedFor(1)).toBe(0);
    expect(await one.fail(1)).toBe(0);
  });
});
