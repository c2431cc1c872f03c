/** Whether D1 answers and has our tables. */

import { drizzle } from 'drizzle-orm/d1';
import type { DatabaseStatus } from '../deps.ts';
import { guardD1 } from './guard-d1.ts';
import { storedSecrets } from './schema.d1.ts';

export class D1DatabaseStatus implements DatabaseStatus {
  readonly #database: D1Database;

  constructor(database: D1Database) {
    this.#database = database;
  }

  async check(): Promise<void> {
    const query = drizzle(this.#database).select({ name: storedSecrets.name }).from(storedSecrets);
    await guardD1(() => query.limit(1));
  }
}
