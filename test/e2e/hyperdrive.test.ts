/**
 * Guarantee: on Workers, PostgreSQL behind Hyperdrive does what D1 does. The real worker and its real
 * configuration, but for the database; Hyperdrive is the local one, which connects without its cache.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashAdminToken, makeFreshSecrets } from '@cardea/cli/fresh-secrets';
import { REPOSITORY_FOLDER } from '@cardea/cli/repository';
import { readMigrations } from '@cardea/control-plane/database/migration-files.node';
import { migrateUp } from '@cardea/control-plane/database/migrations.pg';
import { connectPostgres, type PostgresConnection } from '@cardea/control-plane/database/postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestHarness } from 'wrangler';
import {
  createDatabase,
  type PostgresServer,
  startPostgresServer,
} from '../stores/postgres-server.ts';

const secrets = makeFreshSecrets();
const folder = mkdtempSync(join(tmpdir(), 'cardea-'));
let server: PostgresServer;
let postgres: PostgresConnection;
let harness: ReturnType<typeof createTestHarness>;
let origin: string;

/** The worker's own wrangler.toml with Hyperdrive in the place of D1. */
function configOf(databaseUrl: string): string {
  const plane = join(REPOSITORY_FOLDER, 'control-plane');
  const toml = readFileSync(join(plane, 'wrangler.toml'), 'utf8');
  const vars = {
    CARDEA_SECRET: secrets.cardeaSecret,
    ADMIN_TOKEN_SHA256: hashAdminToken(secrets.adminToken),
    FEED_SIGNING_KEY: secrets.feedSigningKey,
  };
  const lines = Object.entries(vars).map(([name, value]) => `${name} = ${JSON.stringify(value)}`);
  return toml
    .replace('src/worker.ts', join(plane, 'src/worker.ts'))
    .replace(
      /\[\[d1_databases\]\]\n(.+\n)+/,
      `[[hyperdrive]]
binding = "HYPERDRIVE"
id = "00000000000000000000000000000000"
localConnectionString = "${databaseUrl}"
`,
    )
    .replace('[vars]\n', `[vars]\n${lines.join('\n')}\n`);
}

beforeAll(async () => {
  server = await startPostgresServer();
  const url = await createDatabase(server.url);
  postgres = connectPostgres(url, { applicationName: 'test' });
  await migrateUp(postgres.db, readMigrations());
  const configPath = join(folder, 'wrangler.toml');
  writeFileSync(configPath, configOf(url));
  harness = createTestHarness({ workers: [{ configPath }] });
  origin = (await harness.listen()).url.origin;
});
afterAll(async () => {
  await harness?.close();
  await postgres?.close();
  await server?.dispose();
  rmSync(folder, { recursive: true, force: true });
});

async function call(method: string, path: string, body?: unknown) {
  const response = await fetch(`${origin}${path}`, {
    method,
    headers: { authorization: `Bearer ${secrets.adminToken}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
}
const verify = async (credential: string) =>
  (await call('POST', '/v2alpha1/admin/apiKeys:verify', { credential })).body;
const issue = () =>
  call('POST', '/v2alpha1/admin/issuedApiKeys', { name: 'n', actor_id: 'a', ttl: '2h' });

test('a key is issued, verified, exchanged and revoked, and its token with it', async () => {
  // Until the first signing key has been published, which the hub does by itself.
  await expect
    .poll(async () => (await call('GET', '/health/ready')).status, { timeout: 30_000 })
    .toBe(200);
  const issued = await issue();
  expect(issued.status).toBe(201);
  const { secret, issued_api_key: key } = issued.body;
  expect(await verify(secret)).toMatchObject({ is_valid: true, actor_id: 'a' });
  const derived = await call('POST', '/v2alpha1/admin/apiKeys:derive', { credential: secret });
  expect(derived.status).toBe(200);
  const token = derived.body.token.token;
  expect(await verify(token)).toMatchObject({ is_valid: true });
  const path = `/v2alpha1/admin/issuedApiKeys/${key.key_id}:revoke`;
  expect((await call('POST', path, { reason: 'REVOCATION_REASON_KEY_COMPROMISE' })).status).toBe(
    204,
  );
  // At once: nothing that was read before is answered from a cache.
  expect(await verify(secret)).toMatchObject({ is_valid: false });
  expect(await verify(token)).toMatchObject({ is_valid: false });
  const rows = await postgres.sql`SELECT state FROM api_keys WHERE key_id = ${key.key_id}`;
  expect(rows.map(({ state }) => state)).toEqual(['revoked']);
});

test('many requests at once share no connection, and leave none behind', async () => {
  const answers = await Promise.all(Array.from({ length: 24 }, issue));
  expect(answers.map(({ status }) => status)).toEqual(Array(24).fill(201));
  const others = () => postgres.sql`SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND application_name <> 'test'`;
  await expect.poll(async () => (await others()).length, { timeout: 10_000 }).toBeLessThan(3);
});

test('while PostgreSQL is away, requests are told to come back; then they are served', async () => {
  await postgres.close();
  await server.stop();
  const response = await fetch(`${origin}/v2alpha1/admin/issuedApiKeys`, {
    headers: { authorization: `Bearer ${secrets.adminToken}` },
  });
  expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
  await server.start();
  await expect.poll(async () => (await issue()).status, { timeout: 10_000 }).toBe(201);
});
