/**
 * Opens PGlite, PostgreSQL inside this process: the embedded default on Node. Only `node.ts` and tests
 * import this file. One process a folder.
 */

import { PGlite } from '@electric-sql/pglite';
import { drizzle } from 'drizzle-orm/pglite';
import type { PostgresDatabase } from './postgres.ts';

export interface EmbeddedDatabase {
  readonly db: PostgresDatabase;
  close(): Promise<void>;
}

/** `folder` is made if it does not exist; absent: in memory. Takes 2 s for a new one, 0.3 s after. */
export async function openPglite(folder?: string): Promise<EmbeddedDatabase> {
  const client = await (folder === undefined ? PGlite.create() : PGlite.create(folder));
  return { db: drizzle({ client }), close: () => client.close() };
}
