/**
 * docs/verify-on-node.md: its server, run as it stands there, against a real `cardea serve`, without an
 * edge and without KV. Guarantee: what the control plane revokes is refused within seconds, and when
 * the control plane is away for longer than the bound, everything is.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAdminClient } from '../e2e/harness/admin-client.ts';
import { callWithToken, exchangeForToken } from '../e2e/harness/calls.ts';
import { type RunningCommand, startCommand } from '../e2e/harness/cardea-command.ts';
import {
  ISSUER,
  makeNodeSecrets,
  type NodeControlPlane,
  startNodeControlPlane,
} from '../e2e/harness/node-control-plane.ts';
import { ROOT, readText } from '../tidy/source-files.ts';

const HARD_SECONDS = 4;
const CLOCK_SKEW_SECONDS = 60;

const { adminToken, env, feedPublicKey } = makeNodeSecrets();
/** Where Node finds the workspace's packages from. */
const folder = mkdtempSync(join(ROOT, 'node_modules', '.cardea-docs-'));
let controlPlane: NodeControlPlane;
let server: RunningCommand;
let url = '';

beforeAll(async () => {
  controlPlane = await startNodeControlPlane({ ...env, CARDEA_STATE_FOLDER: folder });
  const [, code = ''] = /```js\n([\s\S]*?)```/.exec(readText('docs/verify-on-node.md')) ?? [];
  const path = join(folder, 'server.mjs');
  writeFileSync(path, code);
  server = startCommand([process.execPath, path], {
    env: {
      ...{ FEED_URL: controlPlane.url, FEED_PUBLIC_KEYS: feedPublicKey, ISSUER, PORT: '0' },
      ENVIRONMENT_ID: env.ENVIRONMENT_ID ?? '',
      FEED_LANE_B_HARD_SECONDS: String(HARD_SECONDS),
    },
  });
  const out = await server.untilPrinted('listening on');
  url = `http://127.0.0.1:${/listening on (\d+)/.exec(out)?.[1]}`;
});
afterAll(async () => {
  server?.process.kill('SIGTERM');
  await controlPlane?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function issue(scopes: readonly string[]) {
  const admin = createAdminClient({ controlPlaneUrl: controlPlane.url, adminToken });
  const { issued_api_key: key, secret = '' } = await admin.adminIssueApiKey({
    issueApiKeyRequest: { name: 'n', actor_id: 'alice', scopes: [...scopes], ttl: '1h' },
  });
  const token = await exchangeForToken({ controlPlaneUrl: controlPlane.url, apiKey: secret });
  const revoke = () =>
    admin.adminRevokeIssuedApiKey({
      keyId: key?.key_id ?? '',
      adminRevokeIssuedApiKeyBody: { reason: 'REVOCATION_REASON_KEY_COMPROMISE' },
    });
  return { token, keyId: key?.key_id, revoke };
}

/** Status and code. */
async function ask(path: string, token: string | undefined, method = 'GET') {
  const { status, body } = await callWithToken(`${url}${path}`, token, { method });
  return [status, body.code];
}

describe('while the control plane answers', () => {
  test('a token is accepted where its scopes allow it, and the caller is known', async () => {
    const { token, keyId } = await issue(['notes:read']);
    const { status, body } = await callWithToken(`${url}/notes`, token);
    expect([status, body]).toEqual([200, { actor: 'alice', keyId, scopes: ['notes:read'] }]);
    expect(await ask('/notes', token, 'POST')).toEqual([403, 'scope_insufficient']);
    expect(await ask('/other', token)).toEqual([404, undefined]);
  });

  test.each([
    [undefined, 401, 'credential_missing'],
    ['garbage', 401, 'token_malformed'],
    ['eyJhbGciOiJub25lIn0.e30.', 401, 'token_algorithm_unsupported'],
  ])('%j is refused', async (token, status, code) => {
    expect(await ask('/notes', token)).toEqual([status, code]);
  });

  test('a token with other claims is refused', async () => {
    const { token } = await issue(['notes:read']);
    const [header, payload = '', signature] = token.split('.');
    const forged = payload.startsWith('A') ? `B${payload.slice(1)}` : `A${payload.slice(1)}`;
    const text = `${header}.${forged}.${signature}`;
    expect((await ask('/notes', text))[0]).toBe(401);
    expect(await ask('/notes', token)).toEqual([200, undefined]);
  });

  test('a revoked key’s token is refused within seconds', async () => {
    const { token, revoke } = await issue(['notes:read']);
    expect(await ask('/notes', token)).toEqual([200, undefined]);
    await revoke();
    const revokedAt = Date.now();
    const isRefused = async () => (await ask('/notes', token))[1];
    await expect.poll(isRefused, { timeout: 20_000, interval: 100 }).toBe('token_revoked');
    const tookSeconds = (Date.now() - revokedAt) / 1000;
    expect(tookSeconds).toBeLessThan(HARD_SECONDS + CLOCK_SKEW_SECONDS);
  });
});

test('when the control plane is away for longer than the bound everything is refused', async () => {
  const { token } = await issue(['notes:read']);
  expect(await ask('/notes', token)).toEqual([200, undefined]);
  await controlPlane.stop();
  const code = async () => (await ask('/notes', token))[1];
  await expect.poll(code, { timeout: 20_000, interval: 200 }).toBe('feed_stale');
});
