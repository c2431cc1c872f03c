/** Guarantee: what edges say they hold is kept on PostgreSQL as in the hub: the later, and so many at most. */

import { createEdgeSightingStore } from '@cardea/control-plane/database/edge-sighting-store.pg';
import { readMigrations } from '@cardea/control-plane/database/migration-files.node';
import { migrateUp } from '@cardea/control-plane/database/migrations.pg';
import { openPglite } from '@cardea/control-plane/database/pglite';
import type { PostgresDatabase } from '@cardea/control-plane/database/postgres';
import { SIGHTINGS_MAX } from '@cardea/control-plane/publication/edge-sightings';
import { unixMilliseconds } from '@cardea/shared/time';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openPostgres } from './databases.ts';

const OPEN = {
  PostgreSQL: openPostgres,
  PGlite: async () => {
    const pglite = await openPglite();
    await migrateUp(pglite.db, readMigrations());
    return pglite;
  },
};

const at = (edge: string, seq: number, seenAt: number) => ({
  ...{ edge, seq, seenAt: unixMilliseconds(seenAt) },
});

describe.each(['PostgreSQL', 'PGlite'] as const)('on %s', (name) => {
  let db: PostgresDatabase;
  let close: () => Promise<void>;
  beforeAll(async () => {
    ({ db, close } = await OPEN[name]());
  });
  afterAll(() => close());

  test('the later sighting of an edge is kept, and the newest so many of all', async () => {
    const store = createEdgeSightingStore(db);
    await store.note([]);
    await store.note([at('b', 6, 60), at('a', 5, 50)]);
    await store.note([at('a', 4, 40), at('b', 7, 70)]);
    expect(await store.list()).toEqual([at('b', 7, 70), at('a', 5, 50)]);
    const many = Array.from({ length: SIGHTINGS_MAX }, (_, i) => at(`n${i}`, 1, 65 + i));
    await store.note(many);
    const names = (await store.list()).map(({ edge }) => edge);
    expect(names).toHaveLength(SIGHTINGS_MAX);
    expect([names.includes('b'), names.includes('a'), names.includes('n0')]).toEqual([
      ...[true, false, false],
    ]);
  });

  test('processes that note the same edges crosswise do not keep each other out', async () => {
    const store = createEdgeSightingStore(db);
    const some = [at('x', 1, 9000), at('y', 1, 9000), at('z', 1, 9000)];
    await Promise.all(
      Array.from({ length: 8 }, (_, i) => store.note(i % 2 === 0 ? some : some.toReversed())),
    );
    expect((await store.list()).slice(0, 3).map(({ edge }) => edge)).toEqual(['x', 'y', 'z']);
  });
});
