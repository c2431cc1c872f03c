/** Guarantee: migrating is safe to repeat, safe for two at once, and never guesses. */

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readMigrations } from '@cardea/control-plane/database/migration-files.node';
import {
  type Migration,
  MigrationsRefused,
  migrateUp,
  migrationStatus,
} from '@cardea/control-plane/database/migrations.pg';
import { connectPostgres } from '@cardea/control-plane/database/postgres';
import { lockFolder } from '@cardea/control-plane/node/folder-lock';
import { StoreUnavailable } from '@cardea/control-plane/store-unavailable';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { runCardea, runCommand } from '../e2e/harness/cardea-command.ts';
import { createDatabase } from './postgres-server.ts';

const newDatabase = () => createDatabase(inject('postgresServerUrl'));
const PROGRAM = fileURLToPath(new URL('../../control-plane/src/migrate.node.ts', import.meta.url));
const NAMES = readMigrations().map(({ name }) => name);

/** What `cardea migrate` runs, without the command around it. */
const migrate = (what: 'up' | 'status', env: Record<string, string>) =>
  runCommand([process.execPath, '--no-warnings', PROGRAM, what], { env });

async function using<T>(
  url: string,
  work: (connection: ReturnType<typeof connectPostgres>) => Promise<T>,
): Promise<T> {
  const connection = connectPostgres(url, { connectionsMax: 2 });
  return work(connection).finally(() => connection.close());
}

const tablesOf = (url: string) =>
  using(
    url,
    ({ sql }) => sql`SELECT 1 FROM information_schema.tables WHERE table_schema = 'public'`,
  );

test('the migrations are those that drizzle-kit has written down, in its order', () => {
  const folder = new URL('../../control-plane/migrations/postgres/', import.meta.url);
  const journal = JSON.parse(readFileSync(new URL('meta/_journal.json', folder), 'utf8'));
  expect(NAMES).toEqual(journal.entries.map(({ tag }: { tag: string }) => tag));
});

test('counters are kept without a log: no request waits for the disk', async () => {
  const url = await newDatabase();
  const unlogged = await using(url, async ({ db, sql }) => {
    await migrateUp(db, readMigrations());
    return sql`SELECT relname FROM pg_class WHERE relpersistence = 'u' AND relkind = 'r' ORDER BY 1`;
  });
  expect(unlogged.map(({ relname }) => relname)).toEqual(['attempts', 'rate_limits']);
});

describe('cardea migrate', () => {
  let url: string;
  beforeAll(async () => {
    url = await newDatabase();
  });

  test('is what runs the program that the other tests run', async () => {
    const wrong = await runCardea(['migrate', 'up'], { env: { DATABASE_URL: 'mysql://x' } });
    expect(wrong).toEqual({ ...(await migrate('up', { DATABASE_URL: 'mysql://x' })) });
    expect(wrong).toMatchObject({ status: 1, out: '' });
  });

  test('says what is pending, and changes nothing by saying so', async () => {
    const { status, out } = await migrate('status', { DATABASE_URL: url });
    expect(out).toBe(NAMES.map((name) => `pending ${name}\n`).join(''));
    expect(status).toBe(1);
    expect(await tablesOf(url)).toHaveLength(0);
  });

  test('by two processes at once applies each migration once', async () => {
    const ends = await Promise.all([
      migrate('up', { DATABASE_URL: url }),
      migrate('up', { DATABASE_URL: url }),
    ]);
    expect(ends.map(({ status, err }) => [status, err])).toEqual([
      [0, ''],
      [0, ''],
    ]);
    const applied = ends.flatMap(({ out }) => out.match(/(?<=^applied ).*$/gm) ?? []);
    expect(applied).toEqual(NAMES);
    for (const { out } of ends) expect(out).toMatch(/^up to date: \d+ migrations$/m);
  });

  test('done again does nothing', async () => {
    expect(await migrate('up', { DATABASE_URL: url })).toMatchObject({
      status: 0,
      out: `up to date: ${NAMES.length} migrations\n`,
    });
    const { status, out } = await migrate('status', { DATABASE_URL: url });
    expect(status).toBe(0);
    expect(out.match(/^applied /gm)).toHaveLength(NAMES.length);
  });

  test('refuses a database that a newer version has migrated', async () => {
    await using(
      url,
      ({ sql }) => sql`INSERT INTO cardea_migrations VALUES (99, '0099_later', 'x', 1)`,
    );
    const { status, err } = await migrate('up', { DATABASE_URL: url });
    expect(status).toBe(1);
    expect(err).toMatch(
      /^cardea: The database has had the migration 0099_later, which this version/,
    );
    expect(err.trim().split('\n')).toHaveLength(1);
  });

  test('names what is wrong with the address, and not the address', async () => {
    const { status, err } = await migrate('up', {
      DATABASE_URL: 'postgres://eve:pass@127.0.0.1:1/x',
    });
    expect(status).toBe(1);
    expect(err).toBe(
      'cardea: the database cannot be used: ECONNREFUSED (DATABASE_URL says where it is)\n',
    );
  });
});

test('without an address it migrates the embedded database, which only one may use', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cardea-'));
  try {
    const pending = NAMES.map((name) => `pending ${name}\n`).join('');
    const env = { CARDEA_STATE_FOLDER: folder };
    expect(await migrate('status', env)).toMatchObject({ status: 1, out: pending });
    expect(existsSync(join(folder, 'pglite'))).toBe(false);
    const lock = lockFolder(join(folder, 'pglite'));
    const kept = await migrate('up', env);
    expect([kept.status, kept.out]).toEqual([1, '']);
    expect(kept.err).toMatch(new RegExp(`is in use by process ${process.pid} on `));
    lock.release();
    expect((await migrate('up', env)).status).toBe(0);
    expect((await migrate('status', env)).status).toBe(0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 120_000); // A new PGlite takes seconds of CPU, and this makes one in a process of its own.

describe('a migration', () => {
  const step = (name: string, sql: string): Migration => ({ name, sql, hash: `hash of ${sql}` });
  const one = step('0000_one', 'CREATE TABLE one (id integer)');
  const bad = step('0001_bad', 'CREATE TABLE two (id integer);\n--> statement-breakpoint\nNO SQL');

  test('that fails leaves nothing, and those before it neither', async () => {
    const url = await newDatabase();
    await using(url, async ({ db }) => {
      await expect(migrateUp(db, [one, bad])).rejects.toThrow(/NO SQL/);
      await expect(migrateUp(db, [one, bad])).rejects.not.toBeInstanceOf(StoreUnavailable);
    });
    expect(await tablesOf(url)).toHaveLength(0);
  });

  const changed = { ...one, hash: 'other' };
  test.each([
    ['that was changed after it was applied', [changed], /0000_one is not the one/],
    ['that is missing', [], /0000_one, which this version of Cardea does not know/],
    [
      'in another place',
      [step('0000_zero', ''), one],
      /0000_one where this version of Cardea has 0000_zero/,
    ],
  ] as const)('%s is refused', async (_, migrations, message) => {
    const url = await newDatabase();
    await using(url, async ({ db }) => {
      expect(await migrateUp(db, [one])).toEqual(['0000_one']);
      for (const attempt of [migrateUp, migrationStatus]) {
        const error = await attempt(db, migrations).catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(MigrationsRefused);
        expect(String(error)).toMatch(message);
      }
    });
  });
});
