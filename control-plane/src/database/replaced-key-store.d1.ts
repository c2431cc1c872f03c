/** Replaced macaroon keys in D1. */

import { eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import type { ReplacedKeyStore } from '../macaroons/replaced-keys.ts';
import { answered } from './answered.ts';
import { NOW_S } from './clock.d1.ts';
import { fromReplacedKey, toReplacedKey } from './replaced-key-row.ts';
import { replacedMacaroonKeys } from './schema.d1.ts';

export function createReplacedKeyStore(database: D1Database): ReplacedKeyStore {
  const db = drizzle(database);
  return {
    async list(tenantId) {
      const own = eq(replacedMacaroonKeys.nid, tenantId);
      return (await answered(db.select().from(replacedMacaroonKeys).where(own))).map(toReplacedKey);
    },

    async listAll() {
      return (await answered(db.select().from(replacedMacaroonKeys))).map(toReplacedKey);
    },

    async insert(keys) {
      // One at a time: D1 binds 100 parameters at most, and leaked keys are few.
      for (const key of keys) {
        const row = { ...fromReplacedKey(key), replacedAtS: NOW_S };
        await answered(db.insert(replacedMacaroonKeys).values(row).onConflictDoNothing().run());
      }
    },
  };
}
