/**
 * Brings the database of `cardea serve` up to date, or says what it lacks:
 * `node control-plane/src/migrate.node.ts up|status`, which is what `cardea migrate` runs. Composition root.
 * Ends with 0 if the database is up to date, with 1 if it is not or cannot be used.
 */

import { existsSync, mkdirSync } from 'node:fs';
import { type DatabaseChoice, parseDatabaseChoice } from './config.node.ts';
import { ConfigInvalid } from './config-source.ts';
import { readMigrations } from './database/migration-files.node.ts';
import { type MigrationStatus, migrateUp, migrationStatus } from './database/migrations.pg.ts';
import { openPglite } from './database/pglite.ts';
import { connectPostgres, type PostgresDatabase } from './database/postgres.ts';
import { lockFolder } from './node/folder-lock.ts';
import { describeDatabaseFailure } from './node/open-database.ts';
import { StartFailed } from './node/start-failed.ts';
import { StoreUnavailable } from './store-unavailable.ts';

const migrations = readMigrations();

process.exitCode = await run(process.argv[2] === 'up' ? up : status);

async function run(work: (choice: DatabaseChoice) => Promise<number>): Promise<number> {
  try {
    return await work(parseDatabaseChoice(process.env));
  } catch (error) {
    process.stderr.write(`cardea: ${messageOf(describeDatabaseFailure(error))}\n`);
    return 1;
  }
}

/** Our own sentences. Anything else is a bug, and its stack is what its finder needs. */
function messageOf(error: unknown): string {
  if (error instanceof StartFailed || error instanceof ConfigInvalid) return error.message;
  if (error instanceof StoreUnavailable) return 'the database cannot be reached';
  throw error;
}

async function up(choice: DatabaseChoice): Promise<number> {
  const names = await using(choice, (db) => migrateUp(db, migrations));
  for (const name of names) process.stdout.write(`applied ${name}\n`);
  process.stdout.write(`up to date: ${migrations.length} migrations\n`);
  return 0;
}

async function status(choice: DatabaseChoice): Promise<number> {
  // Only to look at a database must not make it.
  const isThere = choice.kind === 'postgres' || existsSync(choice.folder);
  const statuses: readonly MigrationStatus[] = isThere
    ? await using(choice, (db) => migrationStatus(db, migrations))
    : migrations.map(({ name }) => ({ name }));
  for (const { name, appliedAtMilliseconds: at } of statuses) {
    const line = at === undefined ? `pending ${name}` : `applied ${name} ${timeOf(at)}`;
    process.stdout.write(`${line}\n`);
  }
  return statuses.every(({ appliedAtMilliseconds: at }) => at !== undefined) ? 0 : 1;
}

function timeOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

async function using<T>(
  choice: DatabaseChoice,
  work: (db: PostgresDatabase) => Promise<T>,
): Promise<T> {
  if (choice.kind === 'postgres') {
    // A migration may take longer than any statement that serves a request.
    const options = { connectionsMax: 1, statementTimeoutMilliseconds: 0 };
    const connection = connectPostgres(choice.url.reveal(), options);
    return work(connection.db).finally(() => connection.close());
  }
  mkdirSync(choice.folder, { recursive: true, mode: 0o700 });
  const lock = lockFolder(choice.folder);
  try {
    const pglite = await openPglite(choice.folder);
    return await work(pglite.db).finally(() => pglite.close());
  } finally {
    lock.release();
  }
}
