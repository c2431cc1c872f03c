/** Guarantee: the stores on a real PostgreSQL keep the contracts of their ports. */

import { afterAll, beforeAll } from 'vitest';
import { testStores } from '../../control-plane/testing/contracts/all-contracts.ts';
import { openPostgres } from './databases.ts';
import { subjectOn } from './subject.ts';

let postgres: Awaited<ReturnType<typeof openPostgres>>;
beforeAll(async () => {
  postgres = await openPostgres();
});
afterAll(() => postgres.close());

testStores(() => subjectOn(postgres.db, async (sql) => [...(await postgres.sql.unsafe(sql))]));
