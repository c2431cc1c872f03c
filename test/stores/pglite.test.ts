/** Guarantee: the stores on PGlite, the embedded default on Node, keep the contracts of their ports. */

import { readMigrations } from '@cardea/control-plane/database/migration-files.node';
import { migrateUp } from '@cardea/control-plane/database/migrations.pg';
import { type EmbeddedDatabase, openPglite } from '@cardea/control-plane/database/pglite';
import { readAlone } from '@cardea/control-plane/database/read-together';
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

// Each read alone: PGlite answers within the process, so a loop of statements, which some contracts are,
// keeps the turn of the event loop from ending. Requests over sockets cannot come then either.
testStores(() => subjectOn(pglite.db, (sql) => rowsOf(pglite.db, sql), readAlone));
