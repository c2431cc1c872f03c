/** Opens the database that the settings choose, and makes sure that its schema is the one we know. */

import { mkdirSync } from 'node:fs';
import type { DatabaseChoice } from '../config.node.ts';
import { readMigrations } from '../database/migration-files.node.ts';
import {
  type MigrationStatus,
  MigrationsRefused,
  migrateUp,
  migrationStatus,
} from '../database/migrations.pg.ts';
import { openPglite } from '../database/pglite.ts';
import {
  connectPostgres,
  type PostgresConnection,
  type PostgresDatabase,
} from '../database/postgres.ts';
import type { Log } from '../log.ts';
import { lockFolder } from './folder-lock.ts';
import { StartFailed } from './start-failed.ts';

export interface OpenDatabase {
  readonly db: PostgresDatabase;
  /** The driver itself, where there is a server that several processes share. */
  readonly sql?: PostgresConnection['sql'];
  /** Lets running statements finish. */
  close(): Promise<void>;
}

export interface OpenOptions {
  /** Brings PostgreSQL up to date first. PGlite always is: nobody else could do it. */
  readonly migrate: boolean;
  readonly log: Log;
}

/** Throws {@link StartFailed} if it cannot be reached, or if its schema is not ours. */
export async function openDatabase(
  choice: DatabaseChoice,
  options: OpenOptions,
): Promise<OpenDatabase> {
  try {
    return choice.kind === 'postgres'
      ? await openServer(choice, options)
      : await openEmbedded(choice.folder, options);
  } catch (error) {
    throw describeDatabaseFailure(error);
  }
}

async function openServer(
  { url, connectionsMax }: Extract<DatabaseChoice, { kind: 'postgres' }>,
  { migrate, log }: OpenOptions,
): Promise<OpenDatabase> {
  if (migrate) {
    // A migration may take longer than any statement that serves a request.
    const migrating = { connectionsMax: 1, statementTimeoutMilliseconds: 0 };
    const connection = connectPostgres(url.reveal(), migrating);
    try {
      await bringUp(connection.db, log);
    } finally {
      await connection.close();
    }
  }
  const connection = connectPostgres(url.reveal(), { connectionsMax });
  try {
    assertUpToDate(await migrationStatus(connection.db, readMigrations()));
    return connection;
  } catch (error) {
    await connection.close();
    throw error;
  }
}

async function openEmbedded(folder: string, { log }: OpenOptions): Promise<OpenDatabase> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const lock = lockFolder(folder);
  process.once('exit', lock.release); // However this process ends by itself.
  const database = await openPglite(folder);
  await bringUp(database.db, log);
  return {
    db: database.db,
    async close() {
      await database.close();
      lock.release();
    },
  };
}

async function bringUp(db: PostgresDatabase, log: Log): Promise<void> {
  const names = await migrateUp(db, readMigrations());
  if (names.length > 0) log('info', 'migrated', { migrations: names });
}

function assertUpToDate(statuses: readonly MigrationStatus[]): void {
  const missing = statuses.filter((status) => status.appliedAtMilliseconds === undefined);
  if (missing.length === 0) return;
  throw new StartFailed(
    `the database lacks ${missing.map(({ name }) => name).join(', ')}: ` +
      'run "cardea migrate up", or start with --migrate',
  );
}

/** Codes and our own sentences alone: a driver's message may quote the address and the user. */
export function describeDatabaseFailure(error: unknown): unknown {
  if (error instanceof StartFailed) return error;
  if (error instanceof MigrationsRefused) return new StartFailed(error.message);
  const code = codeOf(error);
  if (code === undefined) return error;
  return new StartFailed(`the database cannot be used: ${code} (DATABASE_URL says where it is)`, {
    cause: error,
  });
}

/** Of the system (`ECONNREFUSED`), the driver (`CONNECT_TIMEOUT`) or PostgreSQL (`28P01`). */
function codeOf(error: unknown): string | undefined {
  for (
    let link = error, depth = 0;
    link instanceof Error && depth < 5;
    link = link.cause, depth++
  ) {
    if ('code' in link && typeof link.code === 'string' && /^[A-Z0-9_]{5,40}$/.test(link.code)) {
      return link.code;
    }
  }
  return undefined;
}
