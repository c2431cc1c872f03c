/** Removes rows that are over from D1: one bounded statement each. Of every tenant. */

import { and, isNotNull, lte, or, type SQL, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import type { SQLiteTable } from 'drizzle-orm/sqlite-core';
import type { Outlived, UpkeepStore } from '../upkeep/store.ts';
import { answered } from './answered.ts';
import { NOW_MS, NOW_S } from './clock.d1.ts';
import {
  adminCredentials,
  apiKeys,
  idempotentRequests,
  replacedMacaroonKeys,
  revocations,
} from './schema.d1.ts';

export function createUpkeepStore(database: D1Database): UpkeepStore {
  const db = drizzle(database);
  return {
    async removeOutlived(what, { overForSeconds, rowsMax }) {
      const { table, isOver } = OUTLIVED[what];
      const over = sql`SELECT rowid FROM ${table} WHERE ${isOver(overForSeconds)} LIMIT ${rowsMax}`;
      const removal = db.delete(table).where(sql`rowid IN (${over})`);
      return (await answered(removal.run())).meta.changes;
    },
  };
}

interface OutlivedRows {
  readonly table: SQLiteTable;
  readonly isOver: (overForSeconds: number) => SQL | undefined;
}

const before = (seconds: number) => sql`${NOW_MS} - ${seconds * 1000}`;

const OUTLIVED: Readonly<Record<Outlived, OutlivedRows>> = {
  revocations: {
    table: revocations,
    isOver: (seconds) => lte(revocations.expiresAtS, sql`${NOW_S} - ${seconds}`),
  },
  idempotent_requests: {
    table: idempotentRequests,
    isOver: (seconds) => lte(idempotentRequests.createTimeMs, before(seconds)),
  },
  api_keys: {
    table: apiKeys,
    isOver: (seconds) =>
      and(
        lte(apiKeys.expireTimeMs, NOW_MS),
        or(
          sql`${apiKeys.state} = 'revoked'`,
          isNotNull(apiKeys.overlapEndMs),
          lte(apiKeys.expireTimeMs, before(seconds)),
        ),
      ),
  },
  replaced_macaroon_keys: {
    table: replacedMacaroonKeys,
    isOver: (seconds) => lte(replacedMacaroonKeys.expiresAtS, sql`${NOW_S} - ${seconds}`),
  },
  admin_credentials: {
    table: adminCredentials,
    isOver: (seconds) =>
      or(
        lte(adminCredentials.revokeTimeMs, before(seconds)),
        lte(adminCredentials.expireTimeMs, before(seconds)),
      ),
  },
};
