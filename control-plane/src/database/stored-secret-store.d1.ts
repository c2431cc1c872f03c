/** Stored secrets in D1: sealed texts under a name, written once. */

import { StoreUnavailable } from '../store-unavailable.ts';
import type { StoredSecretStore } from '../tokens/stored-secret.ts';
import { answered } from './answered.ts';

export function createStoredSecretStore(database: D1Database): StoredSecretStore {
  return {
    async find(name) {
      const statement = database.prepare('SELECT sealed FROM stored_secrets WHERE name = ?');
      const row = await answered(statement.bind(name).first<{ sealed: string }>());
      return row?.sealed;
    },

    async insertOnce(name, sealed) {
      const insert = database
        .prepare(
          `INSERT INTO stored_secrets (name, sealed, created_at_s) VALUES (?, ?, unixepoch())
           ON CONFLICT (name) DO NOTHING`,
        )
        .bind(name, sealed);
      const read = database.prepare('SELECT sealed FROM stored_secrets WHERE name = ?').bind(name);
      const [, kept] = await answered(database.batch<{ sealed: string }>([insert, read]));
      const row = kept?.results[0];
      if (row === undefined) throw new StoreUnavailable(); // Inserted and gone: not to be guessed.
      return row.sealed;
    },

    async list() {
      const statement = database.prepare('SELECT name, sealed FROM stored_secrets ORDER BY name');
      return (await answered(statement.all<{ name: string; sealed: string }>())).results;
    },

    async reseal(name, oldSealed, newSealed) {
      const statement = database
        .prepare('UPDATE stored_secrets SET sealed = ? WHERE name = ? AND sealed = ?')
        .bind(newSealed, name, oldSealed);
      await answered(statement.run());
    },
  };
}
