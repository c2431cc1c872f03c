/** Whether D1 answers and has our tables. */

import { drizzle } from 'drizzle-orm/d1';
import type { DatabaseStatus } from '../deps.ts';
import { answered } from './answered.ts';
import { storedSecrets } from './schema.d1.ts';

export function createDatabaseStatus(database: D1Database): DatabaseStatus {
  const db = drizzle(database);
  return {
    async check() {
      await answered(db.select({ name: storedSecrets.name }).from(storedSecrets).limit(1));
    },
  };
}
