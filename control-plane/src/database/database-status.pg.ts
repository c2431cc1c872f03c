/** Whether PostgreSQL answers and has our tables. */

import type { DatabaseStatus } from '../deps.ts';
import { StoreUnavailable } from '../store-unavailable.ts';
import { answered } from './answered.pg.ts';
import { NOW_S } from './clock.pg.ts';
import type { PostgresDatabase } from './postgres.ts';
import { storedSecrets } from './schema.pg.ts';

export function createDatabaseStatus(db: PostgresDatabase): DatabaseStatus {
  return {
    async check() {
      try {
        await answered(
          db
            .select({ nowS: NOW_S.as('now_s') })
            .from(storedSecrets)
            .limit(1),
        );
      } catch (cause) {
        // Without our tables (`cardea migrate up`) it answers, and yet it cannot serve.
        throw cause instanceof StoreUnavailable ? cause : new StoreUnavailable({ cause });
      }
    },
  };
}
