/**
 * "Backup" and "Restore" of docs/operations.md on D1, by the commands that stand there: what was
 * revoked after the backup stays revoked, and the backup holds no key.
 */

import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { ApiKeysApi } from '@ory/client-fetch';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createAdminClient } from '../e2e/harness/admin-client.ts';
import { startThrowawayStack, type ThrowawayStack } from '../e2e/harness/throwaway-stack.ts';
import { readText } from '../tidy/source-files.ts';

const WRANGLER = resolve('node_modules/wrangler/bin/wrangler.js');

/** A heartbeat, and time for writing back (docs/feed.md). */
const WRITTEN_BACK_MILLISECONDS_MAX = 45_000;

const folder = mkdtempSync(join(tmpdir(), 'cardea-backup-'));
let throwaway: ThrowawayStack;
let api: ApiKeysApi;
beforeAll(async () => {
  throwaway = await startThrowawayStack({});
  api = createAdminClient(throwaway.stack);
  // `wrangler d1 export --local` knows no other storage than the one beside the configuration.
  cpSync('control-plane/wrangler.toml', join(folder, 'wrangler.toml'));
  mkdirSync(join(folder, '.wrangler'));
  symlinkSync(throwaway.stack.state.storagePath, join(folder, '.wrangler', 'state'));
});
afterAll(async () => {
  await throwaway?.dispose();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a shell line of the document against the local database instead of the remote one. */
async function runLocally(line: string): Promise<void> {
  expect(readText('docs/operations.md')).toContain(line);
  const args = line.split(' ').slice(2);
  const local = args.map((arg) => (arg === '--remote' ? '--local' : arg));
  await promisify(execFile)(process.execPath, [WRANGLER, ...local], { cwd: folder });
}

async function issueKey(name: string): Promise<{ id: string; secret: string }> {
  const { issued_api_key: key, secret } = await api.adminIssueApiKey({
    issueApiKeyRequest: { name, actor_id: 'alice', scopes: ['notes:read'] },
  });
  return { id: key?.key_id ?? '', secret: secret ?? '' };
}

const isActive = async (credential: string) =>
  (await api.adminVerifyApiKey({ verifyApiKeyRequest: { credential } })).is_valid;

test('a database restored from the export refuses what was revoked since', async () => {
  const { stack } = throwaway;
  const [kept, revoked] = [await issueKey('kept'), await issueKey('revoked')];
  await stack.stopControlPlane();
  await runLocally('npx wrangler d1 export cardea --remote --output cardea.sql');
  const backup = readFileSync(join(folder, 'cardea.sql'), 'utf8');
  expect(backup).toContain(kept.id);
  expect(backup).not.toContain(kept.secret);

  await stack.startControlPlane();
  const late = await issueKey('issued after the backup');
  await api.adminRevokeIssuedApiKey({
    keyId: revoked.id,
    adminRevokeIssuedApiKeyBody: { reason: 'REVOCATION_REASON_KEY_COMPROMISE' },
  });
  await stack.stopControlPlane();
  rmSync(join(stack.state.storagePath, 'v3', 'd1'), { recursive: true });
  await runLocally('npx wrangler d1 execute cardea --remote --file cardea.sql');

  await stack.startControlPlane();
  await vi.waitFor(async () => expect(await isActive(revoked.secret)).toBe(false), {
    timeout: WRITTEN_BACK_MILLISECONDS_MAX,
    interval: 500,
  });
  expect(await isActive(kept.secret)).toBe(true);
  expect(await isActive(late.secret)).toBe(false);
}, 120_000);
