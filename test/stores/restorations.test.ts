/** Guarantee: what PostgreSQL or PGlite has forgotten can be written back, keys included. */

import { readMigrations } from '@cardea/control-plane/database/migration-files.node';
import { migrateUp } from '@cardea/control-plane/database/migrations.pg';
import { openPglite } from '@cardea/control-plane/database/pglite';
import type { PostgresDatabase } from '@cardea/control-plane/database/postgres';
import { createRestorationStore } from '@cardea/control-plane/database/restoration-store.pg';
import { afterAll, beforeAll, describe } from 'vitest';
import { testRestorations } from '../../control-plane/testing/contracts/restoration-contract.ts';
import { openPostgres, rowsOf } from './databases.ts';
import { storesOn } from './subject.ts';

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

  testRestorations(() => ({
    restorations: createRestorationStore(db),
    stores: storesOn(db),
    run: (sql) => rowsOf(db, sql),
  }));
});
