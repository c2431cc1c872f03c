/** The databases that the store tests run on. */

import { readMigrations } from '@cardea/control-plane/database/migration-files.node';
import { migrateUp } from '@cardea/control-plane/database/migrations.pg';
import {
  connectPostgres,
  type PostgresConnection,
  type PostgresDatabase,
} from '@cardea/control-plane/database/postgres';
import { inject } from 'vitest';
import { createDatabase } from './postgres-server.ts';

/** A new database with our tables, on the server of this run. */
export async function openPostgres(): Promise<PostgresConnection & { readonly url: string }> {
  const url = await createDatabase(inject('postgresServerUrl'));
  const connection = connectPostgres(url, { connectionsMax: 14 });
  await migrateUp(connection.db, readMigrations());
  return { ...connection, url };
}

/** The rows that a text of SQL answers: drizzle's two drivers wrap them differently. */
export async function rowsOf(
  db: PostgresDatabase,
  text: string,
): Promise<ReadonlyArray<Record<string, unknown>>> {
  const result: unknown = await db.execute(text);
  if (Array.isArray(result)) return [...result];
  const { rows } = result as { readonly rows: ReadonlyArray<Record<string, unknown>> };
  return rows;
}
