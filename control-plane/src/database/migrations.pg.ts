/**
 * Brings a PostgreSQL database up to date: the migrations that it has not had, in order, all of them or
 * none. Safe to run again, and by two processes at once: the second one waits and finds nothing to do.
 */

import { asc, sql } from 'drizzle-orm';
import { bigint, integer, pgTable, text } from 'drizzle-orm/pg-core';
import { StoreUnavailable } from '../store-unavailable.ts';

import { NOW_MS } from './clock.pg.ts';
import type { PostgresDatabase } from './postgres.ts';
import { isOutage } from './postgres-errors.ts';

export interface Migration {
  /** Name of its file without `.sql`. They are applied in this order. */
  readonly name: string;
  /** Statements as drizzle-kit writes them: a marked comment stands between two. */
  readonly sql: string;
  /** SHA-256 of `sql`, hexadecimal: a migration that has been applied must not change. */
  readonly hash: string;
}

export interface MigrationStatus {
  readonly name: string;
  readonly appliedAtMilliseconds?: number;
}

/** The database does not fit these migrations. The message says how, for the operator. */
export class MigrationsRefused extends Error {
  override readonly name = 'MigrationsRefused';
}

const applied = pgTable('cardea_migrations', {
  position: integer().primaryKey(),
  name: text().notNull(),
  hash: text().notNull(),
  appliedAtMs: bigint('applied_at_ms', { mode: 'number' }).notNull(),
});

/** A constant of ours: nobody else is likely to lock it. */
const LOCK = 7_023_115_402_961_337n;

/** How long to wait for another process that migrates, or for readers of a table that changes. */
const LOCK_SECONDS_MAX = 60;

/** Throws {@link MigrationsRefused} and `StoreUnavailable`. */
export function migrationStatus(
  db: PostgresDatabase,
  migrations: readonly Migration[],
): Promise<readonly MigrationStatus[]> {
  return describingOutages(async () => {
    const present = await db
      .select({ isPresent: sql<boolean>`to_regclass('cardea_migrations') IS NOT NULL` })
      .from(sql`(VALUES (1)) AS one`);
    const rows = present[0]?.isPresent === true ? await readApplied(db, migrations) : [];
    return migrations.map(({ name }, position) => {
      const row = rows[position];
      return row === undefined ? { name } : { name, appliedAtMilliseconds: row.appliedAtMs };
    });
  });
}

/**
 * Applies what is missing and answers the names of it. Throws {@link MigrationsRefused} and
 * `StoreUnavailable`. The connection must not limit its statements to less than they take.
 */
export function migrateUp(
  db: PostgresDatabase,
  migrations: readonly Migration[],
): Promise<readonly string[]> {
  return describingOutages(() =>
    db.transaction(async (tx) => {
      await tx.execute(sql.raw(`SET LOCAL lock_timeout = '${LOCK_SECONDS_MAX}s'`));
      await tx.execute(sql.raw(`SELECT pg_advisory_xact_lock(${LOCK})`));
      await tx.execute(sql`CREATE TABLE IF NOT EXISTS cardea_migrations (
        position integer PRIMARY KEY, name text NOT NULL, hash text NOT NULL,
        applied_at_ms bigint NOT NULL)`);
      const known = await readApplied(tx, migrations);
      const missing = migrations.slice(known.length);
      for (const [place, { name, hash, sql: text }] of missing.entries()) {
        for (const statement of text.split('--> statement-breakpoint')) {
          await tx.execute(sql.raw(statement));
        }
        const position = known.length + place;
        await tx.insert(applied).values({ position, name, hash, appliedAtMs: NOW_MS });
      }
      return missing.map(({ name }) => name);
    }),
  );
}

async function readApplied(db: PostgresDatabase, migrations: readonly Migration[]) {
  const rows = await db.select().from(applied).orderBy(asc(applied.position));
  for (const [place, row] of rows.entries()) {
    const migration = migrations[place];
    if (migration === undefined) {
      throw new MigrationsRefused(
        `The database has had the migration ${row.name}, which this version of Cardea does not know: ` +
          'it was migrated by a newer one. Run that version or a later one.',
      );
    }
    if (row.position !== place || row.name !== migration.name) {
      throw new MigrationsRefused(
        `The database has had the migration ${row.name} where this version of Cardea has ` +
          `${migration.name}: they do not belong together.`,
      );
    }
    if (row.hash !== migration.hash) {
      throw new MigrationsRefused(
        `The migration ${row.name} is not the one that the database has had: its file was changed.`,
      );
    }
  }
  return rows;
}

async function describingOutages<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof MigrationsRefused) throw cause;
    throw isOutage(cause) ? new StoreUnavailable({ cause }) : cause;
  }
}
