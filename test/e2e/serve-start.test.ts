/**
 * Guarantee: `cardea serve` starts whole or says in one line what is wrong, keeps its state, and shares a
 * database with nobody that it must not share it with. The embedded database, and PostgreSQL that is not
 * as it should be.
 */

import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFreePorts } from '@cardea/cli/dev-stack/free-ports';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  createDatabase,
  type PostgresServer,
  startPostgresServer,
} from '../stores/postgres-server.ts';
import { createAdminClient } from './harness/admin-client.ts';
import { call, exchange, exchangeForToken, readClaims } from './harness/calls.ts';
import { runCardea } from './harness/cardea-command.ts';
import {
  ISSUER,
  logLines,
  makeNodeSecrets,
  type NodeControlPlane,
  startNodeControlPlane,
} from './harness/node-control-plane.ts';

const folder = mkdtempSync(join(tmpdir(), 'cardea-serve-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const { adminToken, env: secrets } = makeNodeSecrets();
const env = { ...secrets, CARDEA_STATE_FOLDER: folder };

/** Starts a server that must not start. The reason that it gives, and all that it says. */
async function refusalOf(settings: Record<string, string>) {
  const end = await runCardea(['serve'], { env: settings });
  expect(end).toMatchObject({ status: 1, signal: null });
  expect(end.out).not.toMatch(/started|publisher_term_began/);
  const lines = logLines(end.err);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatchObject({ level: 'error', event: 'start_failed' });
  return { reason: String(lines[0]?.reason), problems: lines[0]?.problems, text: end.err };
}

describe('a configuration that is wrong', () => {
  test('without any setting: all that is missing, by name, and what helps', async () => {
    const { reason, problems, text } = await refusalOf({ CARDEA_STATE_FOLDER: folder });
    expect(reason).toBe('the configuration is invalid');
    expect(problems).toEqual([
      'ISSUER: missing',
      'CARDEA_SECRET: missing',
      'ADMIN_TOKEN_SHA256: missing',
      'FEED_SIGNING_KEY: missing',
      'ENVIRONMENT_ID: missing',
    ]);
    expect(text).toContain('npx cardea secrets');
    expect(existsSync(join(folder, 'pglite'))).toBe(false);
  });

  test('no value of it is shown', async () => {
    const canary = 'canary-77e2';
    const wrong = Object.fromEntries(Object.keys(secrets).map((name) => [name, `${canary} ?#`]));
    const { problems, text } = await refusalOf({
      ...{ ...env, ...wrong },
      DATABASE_URL: `mysql://root:${canary}@db.example/x`,
      SURFACE: canary,
    });
    expect(problems).toHaveLength(8);
    expect(text).not.toContain(canary);
  });

  test('a port that is taken', async () => {
    const taken = createServer();
    const [port = 0] = await findFreePorts(1);
    await new Promise<void>((resolve) => taken.listen(port, '127.0.0.1', () => resolve()));
    const { reason } = await refusalOf({ ...env, CONTROL_PLANE_PORT: String(port) });
    expect(reason).toBe(`port ${port} on 127.0.0.1 is in use: set CONTROL_PLANE_PORT to another`);
    taken.close();
  });
});

describe('PostgreSQL that cannot be used', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgresServer();
  });
  afterAll(() => server?.dispose());

  const at = (changes: Partial<Pick<URL, 'port' | 'password' | 'pathname'>>) => {
    const url = Object.assign(new URL(server.url), changes);
    return { ...env, DATABASE_URL: url.href };
  };

  test('nobody listens: ECONNREFUSED, and the password is not shown', async () => {
    const [port = 0] = await findFreePorts(1);
    const { reason, text } = await refusalOf(at({ port: String(port), password: 'canary' }));
    expect(reason).toBe(
      'the database cannot be used: ECONNREFUSED (DATABASE_URL says where it is)',
    );
    expect(text).not.toContain('canary');
  });

  test.each([
    ['a wrong password', { password: 'canary' }, '28P01'],
    ['no such database', { pathname: '/canary' }, '3D000'],
  ])('%s: PostgreSQL’s own code', async (_, changes, code) => {
    const { reason, text } = await refusalOf(at(changes));
    expect(reason).toContain(`the database cannot be used: ${code}`);
    expect(text).not.toContain('canary');
  });

  test('a schema that is behind: which migrations, and what to do; with --migrate it starts', async () => {
    const settings = { ...env, DATABASE_URL: await createDatabase(server.url) };
    const { reason } = await refusalOf(settings);
    expect(reason).toMatch(/^the database lacks 0000_\w+, .*cardea migrate up.*--migrate/);
    const started = await startNodeControlPlane(settings, ['--migrate']);
    expect(await started.stop()).toMatchObject({ status: 0 });
    const again = await startNodeControlPlane(settings);
    expect(await again.stop()).toMatchObject({ status: 0 });
  });
});

describe('the embedded database', () => {
  let running: NodeControlPlane;
  let apiKey = '';
  let token = '';
  const admin = () => createAdminClient({ controlPlaneUrl: running.url, adminToken });
  const jwksOf = async () =>
    (await call(`${running.url}/v2alpha1/derivedKeys/jwks.json`)).body.keys;

  beforeAll(async () => {
    running = await startNodeControlPlane(env);
  });
  afterAll(() => running?.stop());

  test('issues, exchanges and verifies', async () => {
    const { secret } = await admin().adminIssueApiKey({
      issueApiKeyRequest: { name: 'e2e', actor_id: 'alice', scopes: ['a'], ttl: '1h' },
    });
    apiKey = secret ?? '';
    token = await exchangeForToken({ controlPlaneUrl: running.url, apiKey });
    expect(readClaims(token)).toMatchObject({ iss: ISSUER, scp: ['a'] });
    const verified = await admin().adminVerifyApiKey({
      verifyApiKeyRequest: { credential: token },
    });
    expect(verified.is_valid).toBe(true);
  });

  test('belongs to one process', async () => {
    const { reason } = await refusalOf(env);
    expect(reason).toContain(`the embedded database in ${join(folder, 'pglite')} is in use by`);
    expect((await call(`${running.url}/health/ready`)).status).toBe(200);
  });

  test('is still there after a restart: keys, tokens, signing keys', async () => {
    const before = await jwksOf();
    const end = await running.stop();
    expect(end).toMatchObject({ status: 0, signal: null });
    const events = logLines(end.out).map(({ event }) => event);
    expect(events.slice(-3)).toEqual(['stopping', 'publisher_term_ended', 'stopped']);
    expect(existsSync(join(folder, 'pglite.lock'))).toBe(false);

    running = await startNodeControlPlane(env);
    expect(await jwksOf()).toEqual(before);
    expect((await exchange({ controlPlaneUrl: running.url, apiKey })).status).toBe(200);
    const verified = await admin().adminVerifyApiKey({
      verifyApiKeyRequest: { credential: token },
    });
    expect(verified.is_valid).toBe(true);
  });

  test('survives a process that is killed, and the next one starts at once', async () => {
    process.kill(serverOf(running), 'SIGKILL');
    expect((await running.command.ended).status).toBe(128 + 9);
    running = await startNodeControlPlane(env);
    expect((await exchange({ controlPlaneUrl: running.url, apiKey })).status).toBe(200);
  });

  test('a server whose command is killed ends by itself', async () => {
    const pid = serverOf(running);
    running.command.process.kill('SIGKILL');
    await running.command.ended;
    const isAlive = () => {
      try {
        return process.kill(pid, 0);
      } catch {
        return false;
      }
    };
    await expect.poll(isAlive, { timeout: 10_000 }).toBe(false);
    running = await startNodeControlPlane(env);
  });
});

/** The number of the process that serves: the command only stands in front of it. */
function serverOf({ command }: NodeControlPlane): number {
  const line = logLines(command.printed()).find(({ event }) => event === 'started');
  return Number(line?.pid);
}
