/** Removes rows that are over from PostgreSQL: one bounded statement each. Of every tenant. */

import { and, isNotNull, lte, or, type SQL, sql } from 'drizzle-orm';
import type { PgTable } from 'drizzle-orm/pg-core';
import type { Outlived, UpkeepStore } from '../upkeep/store.ts';
import { answered } from './answered.pg.ts';
import { NOW_MS, NOW_S } from './clock.pg.ts';
import type { PostgresDatabase } from './postgres.ts';
import {
  adminCredentials,
  apiKeys,
  idempotentRequests,
  replacedMacaroonKeys,
  revocations,
} from './schema.pg.ts';

export function createUpkeepStore(db: PostgresDatabase): UpkeepStore {
  return {
    async removeOutlived(what, { overForSeconds, rowsMax }) {
      const { table, isOver } = OUTLIVED[what];
      const over = sql`SELECT ctid FROM ${table} WHERE ${isOver(overForSeconds)} LIMIT ${rowsMax}`;
      // One statement: nobody can put another row in the place of one that it has chosen.
      const removed = db.delete(table).where(sql`ctid IN (${over})`).returning({ one: sql`1` });
      return (await answered(removed)).length;
    },
  };
}

interface OutlivedRows {
  readonly table: PgTable;
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
