/** Stored secrets in PostgreSQL: sealed texts under a name, written once. */

import { and, asc, eq } from 'drizzle-orm';
import { StoreUnavailable } from '../store-unavailable.ts';
import type { StoredSecretStore } from '../tokens/stored-secret.ts';
import { answered } from './answered.pg.ts';
import { NOW_S } from './clock.pg.ts';
import type { PostgresDatabase } from './postgres.ts';
import { storedSecrets } from './schema.pg.ts';

export function createStoredSecretStore(db: PostgresDatabase): StoredSecretStore {
  async function find(name: string): Promise<string | undefined> {
    const columns = { sealed: storedSecrets.sealed, nowS: NOW_S.as('now_s') };
    const [row] = await answered(
      db.select(columns).from(storedSecrets).where(eq(storedSecrets.name, name)),
    );
    return row?.sealed;
  }

  return {
    find,

    async insertOnce(name, sealed) {
      await answered(
        db.insert(storedSecrets).values({ name, sealed, createdAtS: NOW_S }).onConflictDoNothing(),
      );
      // A second statement: the first would not see a row that another one committed meanwhile.
      const kept = await find(name);
      if (kept === undefined) throw new StoreUnavailable(); // Inserted and gone: not to be guessed.
      return kept;
    },

    async list() {
      const { name, sealed } = storedSecrets;
      return answered(db.select({ name, sealed }).from(storedSecrets).orderBy(asc(name)));
    },

    async reseal(name, oldSealed, newSealed) {
      const isUnchanged = and(eq(storedSecrets.name, name), eq(storedSecrets.sealed, oldSealed));
      await answered(db.update(storedSecrets).set({ sealed: newSealed }).where(isUnchanged));
    },
  };
}
