/** A real PostgreSQL of this test run: a fresh folder, a free port of the loopback address, no fsync. */

import { randomUUID } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { chmod, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFreePorts } from '@cardea/cli/dev-stack/free-ports';
import { connectPostgres } from '@cardea/control-plane/database/postgres';
import { openEmbeddedPostgres } from './reachable-postgres.ts';

export interface PostgresServer {
  /** Of the database `postgres`, which is there from the start. */
  readonly url: string;
  /** Ends the server; clients see their connections break. */
  readonly stop: () => Promise<void>;
  /** On the same port and folder, after `stop`. */
  readonly start: () => Promise<void>;
  /** Stops it and removes its folder. */
  readonly dispose: () => Promise<void>;
}

/** Makes an empty database on the server of `serverUrl` and answers its URL. */
export async function createDatabase(serverUrl: string): Promise<string> {
  const url = new URL(serverUrl);
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const { sql, close } = connectPostgres(url.href, { connectionsMax: 1 });
  await sql.unsafe(`CREATE DATABASE ${name}`);
  await close();
  url.pathname = `/${name}`;
  return url.href;
}

/** Takes about 2 seconds. */
export async function startPostgresServer(): Promise<PostgresServer> {
  const isRoot = process.getuid?.() === 0;
  const { EmbeddedPostgres, remove } = await openEmbeddedPostgres(isRoot);
  const databaseDir = mkdtempSync(join(tmpdir(), 'cardea-postgres-'));
  await chmod(databaseDir, 0o755); // As root, the server runs under another user.
  const [port = 0] = await findFreePorts(1);
  const lines: string[] = [];
  const options = {
    ...{ databaseDir, port, user: 'cardea', password: 'cardea', persistent: true },
    createPostgresUser: isRoot,
    initdbFlags: ['--encoding=UTF8', '--no-sync'],
    postgresFlags: [
      ...['-c', 'fsync=off', '-c', 'full_page_writes=off', '-c', 'max_connections=200'],
      ...['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
    ],
    onLog: (line: string) => void lines.push(line),
    onError: (error: unknown) => void lines.push(String(error)),
  };
  const server = new EmbeddedPostgres(options);
  try {
    await server.initialise();
    await server.start();
  } catch (error) {
    remove();
    throw new Error(`PostgreSQL did not start: ${lines.slice(-5).join('\n')}`, { cause: error });
  }
  return {
    url: `postgres://cardea:cardea@127.0.0.1:${port}/postgres`,
    stop: () => server.stop(),
    start: () => server.start(),
    dispose: async () => {
      await server.stop();
      await rm(databaseDir, { recursive: true, force: true });
      remove();
    },
  };
}
