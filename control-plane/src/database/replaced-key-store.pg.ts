/** Replaced macaroon keys in PostgreSQL. */

import { eq } from 'drizzle-orm';
import type { ReplacedKeyStore } from '../macaroons/replaced-keys.ts';
import { answered } from './answered.pg.ts';
import { NOW_S } from './clock.pg.ts';
import type { PostgresDatabase } from './postgres.ts';
import { fromReplacedKey, toReplacedKey } from './replaced-key-row.ts';
import { replacedMacaroonKeys } from './schema.pg.ts';

export function createReplacedKeyStore(db: PostgresDatabase): ReplacedKeyStore {
  return {
    async list(tenantId) {
      const own = eq(replacedMacaroonKeys.nid, tenantId);
      return (await answered(db.select().from(replacedMacaroonKeys).where(own))).map(toReplacedKey);
    },

    async listAll() {
      return (await answered(db.select().from(replacedMacaroonKeys))).map(toReplacedKey);
    },

    async insert(keys) {
      // As in D1: one statement a key. Leaked keys are few.
      for (const key of keys) {
        const row = { ...fromReplacedKey(key), replacedAtS: NOW_S };
        await answered(db.insert(replacedMacaroonKeys).values(row).onConflictDoNothing());
      }
    },
  };
}
