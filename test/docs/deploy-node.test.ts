/** The commands of docs/deploy-node.md, run as they stand there, on a PostgreSQL of the test's own. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call } from '../e2e/harness/calls.ts';
import { runCommand, startCommand } from '../e2e/harness/cardea-command.ts';
import { logLines } from '../e2e/harness/node-control-plane.ts';
import {
  createDatabase,
  type PostgresServer,
  startPostgresServer,
} from '../stores/postgres-server.ts';
import { readText } from '../tidy/source-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'cardea-docs-'));
let postgres: PostgresServer;
beforeAll(async () => {
  postgres = await startPostgresServer();
});
afterAll(async () => {
  await postgres?.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const section = readText('docs/deploy-node.md').split('## Node and PostgreSQL')[1] ?? '';
const blocks = [...section.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block = '']) => block.trim());

/** As written, but for where the file and the database are. */
async function adapted(block: string): Promise<string> {
  const url = /postgres:\/\/[^']+/;
  const own = url.test(block) ? await createDatabase(postgres.url) : '';
  return block.replaceAll('cardea.env', join(folder, 'cardea.env')).replace(url, own);
}

test('the quick start leads to a server that is ready', async () => {
  expect(blocks).toHaveLength(2);
  const [makeSettings = '', start = ''] = await Promise.all(blocks.map(adapted));
  expect(await runCommand(['bash', '-e', '-c', makeSettings])).toMatchObject({
    status: 0,
    err: '',
  });
  const server = startCommand(['bash', '-c', `exec ${start}`], {
    env: { CONTROL_PLANE_PORT: '0' },
  });
  const out = await server.untilPrinted('"event":"started"');
  const { url, database } = logLines(out).find(({ event }) => event === 'started') ?? {};
  expect(database).toBe('postgres');
  const readiness = async () => (await call(`${url}/health/ready`)).status;
  await expect.poll(readiness, { timeout: 10_000 }).toBe(200);
  server.process.kill('SIGTERM');
  expect((await server.ended).status).toBe(0);
});
