/** Guarantee: the counters in PostgreSQL decide as their algorithms do, for several processes at once. */

import {
  createAttemptCounters,
  pruneAttempts,
} from '@cardea/control-plane/database/attempt-counters.pg';
import { readMigrations } from '@cardea/control-plane/database/migration-files.node';
import { migrateUp } from '@cardea/control-plane/database/migrations.pg';
import { openPglite } from '@cardea/control-plane/database/pglite';
import type { PostgresDatabase } from '@cardea/control-plane/database/postgres';
import { createRateLimiter, pruneRateLimits } from '@cardea/control-plane/database/rate-limiter.pg';
import { gcra } from '@cardea/control-plane/rate-limits/gcra';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openPostgres, rowsOf } from './databases.ts';

const OPEN = {
  PostgreSQL: openPostgres,
  PGlite: async () => {
    const pglite = await openPglite();
    await migrateUp(pglite.db, readMigrations());
    return pglite;
  },
};

describe.each(['PostgreSQL', 'PGlite'] as const)('on %s', (name) => {
  let db: PostgresDatabase;
  let close: () => Promise<void>;
  beforeAll(async () => {
    ({ db, close } = await OPEN[name]());
  });
  afterAll(() => close());

  const stateOf = async (bucket: string) => {
    const [row] = await rowsOf(db, `SELECT * FROM rate_limits WHERE bucket = '${bucket}'`);
    return { fullAgainAt: Number(row?.full_again_us), now: Number(row?.last_us) };
  };

  test('a rate limit follows GCRA from state to state', async () => {
    const { take } = createRateLimiter(db);
    const bucket = 'verify/one';
    const policies = [
      { quota: 3, windowSeconds: 60 },
      { quota: 2, windowSeconds: 60 },
      { quota: 7, windowSeconds: 1 },
      { quota: Number.MAX_SAFE_INTEGER, windowSeconds: 1 },
    ];
    let fullAgainAt: number | undefined;
    const seen: boolean[] = [];
    for (const policy of policies.flatMap((each) => Array.from({ length: 5 }, () => each))) {
      const decision = await take({ bucket, ...policy });
      const state = await stateOf(bucket);
      const expected = gcra(fullAgainAt, policy, state.now);
      expect(decision).toEqual(expected.decision);
      expect(state.fullAgainAt).toBe(expected.fullAgainAt);
      fullAgainAt = state.fullAgainAt;
      seen.push(decision.isAllowed);
    }
    expect(seen.slice(0, 5)).toEqual([true, true, true, false, false]);
  });

  test('a quota holds against thirty requests at once, and each bucket has its own', async () => {
    const { take } = createRateLimiter(db);
    const request = { quota: 10, windowSeconds: 3600 };
    const decisions = await Promise.all(
      Array.from({ length: 30 }, () => take({ bucket: 'verify/many', ...request })),
    );
    expect(decisions.filter(({ isAllowed }) => isAllowed)).toHaveLength(10);
    expect(await take({ bucket: 'verify/other', ...request })).toMatchObject({ remaining: 9 });
  });

  test('full buckets are removed, others stay', async () => {
    const { take } = createRateLimiter(db);
    await take({ bucket: 'full', quota: 1, windowSeconds: 1 });
    await take({ bucket: 'busy', quota: 1, windowSeconds: 3600 });
    await rowsOf(db, `UPDATE rate_limits SET full_again_us = 1 WHERE bucket = 'full'`);
    await pruneRateLimits(db);
    const rows = await rowsOf(
      db,
      `SELECT bucket FROM rate_limits WHERE bucket IN ('full', 'busy')`,
    );
    expect(rows).toEqual([{ bucket: 'busy' }]);
  });

  test('failed attempts block an address for the rest of its window', async () => {
    const counter = createAttemptCounters(db)('c0000207');
    expect(await counter.blockedFor(3)).toBe(0);
    for (let failure = 1; failure <= 3; failure++) expect(await counter.fail(3)).toBe(0);
    const wait = await counter.blockedFor(3);
    expect(wait).toBeGreaterThan(55_000);
    expect(wait).toBeLessThanOrEqual(60_000);
    expect(await counter.fail(3)).toBeGreaterThan(55_000);
    expect(await createAttemptCounters(db)('other').blockedFor(3)).toBe(0);
    await rowsOf(db, 'UPDATE attempts SET started_at_ms = started_at_ms - 61000');
    expect(await counter.blockedFor(3)).toBe(0);
    expect(await counter.fail(3)).toBe(0);
    await Promise.all(Array.from({ length: 12 }, () => counter.fail(100)));
    expect(await rowsOf(db, 'SELECT failures FROM attempts')).toEqual([{ failures: 13 }]);
    await pruneAttempts(db);
    expect(await rowsOf(db, 'SELECT bucket FROM attempts')).toHaveLength(1);
    await rowsOf(db, 'UPDATE attempts SET started_at_ms = 1');
    await pruneAttempts(db);
    expect(await rowsOf(db, 'SELECT bucket FROM attempts')).toEqual([]);
  });
});
