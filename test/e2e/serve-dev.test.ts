/**
 * Guarantee: `cardea serve --dev` is the local stack of `npm start` with the control plane on Node: the
 * same file that says where it is, the same commands, the same feed at the edge.
 */

import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFreePorts } from '@cardea/cli/dev-stack/free-ports';
import { livingMembers } from '@cardea/cli/dev-stack/process-group';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { call } from './harness/calls.ts';
import { CARDEA, type RunningCommand, runCommand, startCommand } from './harness/cardea-command.ts';
import { filesWith } from './harness/files-with.ts';
import { logLines } from './harness/node-control-plane.ts';

/** What it prints when everything answers. */
const UP = 'Ctrl-C stops everything';

/** The edge looks for a newer feed every ten seconds. */
const WAIT = { timeout: 20_000, interval: 500 };

const folder = mkdtempSync(join(tmpdir(), 'cardea-serve-dev-'));
const stateFolder = join(folder, '.cardea');
let stack: RunningCommand;
let ports: readonly number[] = [];
let out = '';

beforeAll(async () => {
  ports = await findFreePorts(3);
  const [controlPlane, edge, origin] = ports.map(String);
  stack = startCommand([process.execPath, CARDEA, 'serve', '--dev'], {
    env: {
      CARDEA_STATE_FOLDER: stateFolder,
      CONTROL_PLANE_PORT: controlPlane ?? '',
      EDGE_PORT: edge ?? '',
      ORIGIN_PORT: origin ?? '',
      FEED_HARD_SECONDS: '20',
    },
  });
  out = await stack.untilPrinted(UP);
});
afterAll(async () => {
  stack?.process.kill('SIGTERM');
  await stack?.ended;
  rmSync(folder, { recursive: true, force: true });
});

const readDevFile = () => JSON.parse(readFileSync(join(stateFolder, 'dev.json'), 'utf8'));
const controlPlaneLog = () =>
  logLines(readFileSync(join(stateFolder, 'logs/control-plane.log'), 'utf8'));

test('dev.json says where everything is, as it does of `npm start`', () => {
  const [controlPlane, edge, origin] = ports.map((port) => `http://127.0.0.1:${port}`);
  expect(readDevFile()).toEqual({
    control_plane_url: controlPlane,
    edge_url: edge,
    origin_url: origin,
    admin_token: expect.stringMatching(/^cardea_admin_/),
    kv_namespace_id: expect.stringMatching(/^[0-9a-f]{32}$/),
    feed_public_keys: [expect.any(String)],
    pids: {
      control_plane: expect.any(Number),
      edge: expect.any(Number),
      origin: expect.any(Number),
    },
  });
  expect(controlPlaneLog().find(({ event }) => event === 'started')).toMatchObject({
    database: 'pglite',
    feed: 'pushed to KV',
    url: controlPlane,
  });
});

test('the walkthrough works as it is printed: issue, exchange, call, revoke, refused', async () => {
  const walkthrough = out.slice(out.indexOf('# Try it'), out.indexOf(UP));
  const commands = walkthrough.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  expect(commands).toHaveLength(6); // Five, and where the state is: not in the checkout here.
  const { status, out: shown } = await runCommand(['bash', '-e', '-c', commands.join('\n')]);
  const answers = shown.split(/(?=HTTP\/1\.1 )/);
  expect([status, answers.length]).toEqual([0, 2]);
  expect(answers[0]).toMatch(/^HTTP\/1\.1 200 OK/);
  expect(answers[1]).toMatch(/^HTTP\/1\.1 401 Unauthorized/);
  expect(answers[1]).toContain('"code":"token_revoked"');
});

test('the edge was registered, and opens the macaroon keys that are sealed for it', async () => {
  const { edge_url: edgeUrl } = readDevFile();
  await vi.waitFor(async () => {
    const { body } = await call(`${edgeUrl}/.cardea/ready`);
    expect(body).toMatchObject({
      feed: { macaroon_keys: { opened: expect.any(Number), unopened: 0 } },
    });
    expect(body).not.toMatchObject({ feed: { macaroon_keys: { opened: 0 } } });
  }, WAIT);
  expect(statSync(join(stateFolder, 'edge.json')).mode & 0o777).toBe(0o600);
});

test('stopped, it leaves nothing running, and no secret in a log or in KV', async () => {
  const { admin_token: adminToken, control_plane_url: url, pids } = readDevFile();
  stack.process.kill('SIGTERM');
  expect((await stack.ended).status).toBe(0);
  expect(livingMembers(Object.values(pids))).toEqual([]);
  await expect(call(`${url}/health/alive`)).rejects.toThrow();
  for (const file of ['dev.json', 'lock.json', 'pglite.lock']) {
    expect(existsSync(join(stateFolder, file)), file).toBe(false);
  }
  // The last write went into a KV that was still there.
  const events = controlPlaneLog().map(({ event }) => event);
  expect(events.slice(-2)).toEqual(['publisher_term_ended', 'stopped']);
  expect(events).not.toContain('kv_rest_failed');
  const places = [join(stateFolder, 'logs'), join(stateFolder, 'storage')];
  const { cardeaSecret, feedSigningKey } = JSON.parse(
    readFileSync(join(stateFolder, 'secrets.json'), 'utf8'),
  );
  expect(filesWith('"event":"started"', places)).toHaveLength(1);
  const { secret: edgeSecret } = JSON.parse(readFileSync(join(stateFolder, 'edge.json'), 'utf8'));
  const feedSecret = String(JSON.parse(feedSigningKey).d);
  for (const secret of [adminToken, cardeaSecret, feedSecret, edgeSecret]) {
    expect(filesWith(secret, places)).toEqual([]);
  }
});
