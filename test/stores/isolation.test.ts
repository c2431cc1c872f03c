/** Guarantee: on PostgreSQL, dropping the tenant from any condition of any statement makes a test fail. */

import { readMigrations } from '@cardea/control-plane/database/migration-files.node';
import { migrateUp } from '@cardea/control-plane/database/migrations.pg';
import { PGlite } from '@electric-sql/pglite';
import { drizzle } from 'drizzle-orm/pglite';
import { afterAll, beforeAll } from 'vitest';
import { testIsolation } from '../../control-plane/testing/isolation/isolation-contract.ts';
import { storesOn } from './subject.ts';

type Rewrite = (sql: string) => string;

let pglite: PGlite;
beforeAll(async () => {
  pglite = await PGlite.create();
  await migrateUp(drizzle({ client: pglite }), readMigrations());
});
afterAll(() => pglite.close());

/** A client, or a transaction of it, with each statement put through `rewrite` on its way. */
function through<T extends object>(client: T, rewrite: Rewrite): T {
  return new Proxy(client, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property);
      if (typeof value !== 'function') return value;
      if (property === 'query') {
        return (sql: string, ...rest: unknown[]) => value.call(target, rewrite(sql), ...rest);
      }
      if (property === 'transaction') {
        return (work: (transaction: object) => unknown) =>
          value.call(target, (transaction: object) => work(through(transaction, rewrite)));
      }
      return value.bind(target);
    },
  });
}

const run = async (sql: string) => (await pglite.query<Record<string, unknown>>(sql)).rows;

testIsolation(
  () => ({
    storesThrough: (rewrite) => storesOn(drizzle({ client: through(pglite, rewrite) })),
    run,
    runEach: (queries) => Promise.all(queries.map(run)),
  }),
  {
    mutantsMin: 50,
    unasked: [],
    needless: [[/^select "kid" from "signing_keys" .* for update/, 'it locks rows and reads none']],
  },
);
