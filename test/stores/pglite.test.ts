/** Guarantee: the stores on PGlite, the embedded default on Node, keep the contracts of their ports. */

import { readMigrations } from '@cardea/control-plane/database/migration-files.node';
import { migrateUp } from '@cardea/control-plane/database/migrations.pg';
import { type EmbeddedDatabase, openPglite } from '@cardea/control-plane/database/pglite';
import { afterAll, beforeAll } from 'vitest';
import { testStores } from '../../control-plane/testing/contracts/all-contracts.ts';
import { rowsOf } from './databases.ts';
import { subjectOn } from './subject.ts';

let pglite: EmbeddedDatabase;
beforeAll(async () => {
  pglite = await openPglite();
  await migrateUp(pglite.db, readMigrations());
});
afterAll(() => pglite.close());

testStores(() => subjectOn(pglite.db, (sql) => rowsOf(pglite.db, sql)));
