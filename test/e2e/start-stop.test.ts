/**
 * Guarantee: `npm start` comes up whole or not at all, keeps its state, says in one line what is
 * wrong, and leaves no process behind. The real command in its own process.
 */

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFreePorts } from '@cardea/cli/dev-stack/free-ports';
import { livingMembers } from '@cardea/cli/dev-stack/process-group';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { callWithToken } from './harness/calls.ts';
import {
  CARDEA,
  type CommandOptions,
  type RunningCommand,
  runCardea,
  runCommand,
  startCommand,
} from './harness/cardea-command.ts';

/** What `npm start` prints when everything answers. */
const UP = 'Ctrl-C stops everything';

const folder = mkdtempSync(join(tmpdir(), 'cardea-start-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let controlPlanePort = 0;
let edgePort = 0;
let originPort = 0;
let stateFolder = '';
let env: Record<string, string> = {};
const useFreshSettings = async (name: string) => {
  [controlPlanePort = 0, edgePort = 0, originPort = 0] = await findFreePorts(3);
  stateFolder = join(folder, name, '.cardea');
  mkdirSync(join(folder, name));
  env = {
    CONTROL_PLANE_PORT: String(controlPlanePort),
    EDGE_PORT: String(edgePort),
    ORIGIN_PORT: String(originPort),
    CARDEA_STATE_FOLDER: stateFolder,
  };
};

const started: RunningCommand[] = [];
const DEV = [process.execPath, CARDEA, 'dev'];
const start = (more: CommandOptions['env'] = {}, argv: readonly string[] = DEV): RunningCommand => {
  const command = startCommand(argv, { env: { ...env, ...more } });
  started.push(command);
  return command;
};
/** A test that fails leaves nothing running either. */
afterEach(async () => {
  for (const { process, ended } of started.splice(0)) {
    process.kill('SIGTERM');
    await ended;
  }
});
const cardea = (...args: string[]) => runCardea(args, { env });
const readDevFile = () => JSON.parse(readFileSync(join(stateFolder, 'dev.json'), 'utf8'));
const pidsOf = (dev: { pids: object }): number[] =>
  Object.values(dev.pids).filter((pid) => pid !== null);

/** Every message is one line that begins with the program's name. */
const ONE_LINE = /^cardea: [^\n]+\n$/;

describe('what is wrong before the start', () => {
  let busy: Server;
  beforeAll(async () => {
    await useFreshSettings('refused');
    busy = createServer();
    await new Promise<void>((resolve) => busy.listen(edgePort, '127.0.0.1', () => resolve()));
  });
  afterAll(() => void busy.close());
  afterEach(() => rmSync(stateFolder, { recursive: true, force: true }));

  /** Runs to the end, and checks that nothing is left: no lock, no dev.json. */
  const refused = async (more: CommandOptions['env'] = {}) => {
    const { status, err } = await start(more).ended;
    expect(status).toBe(1);
    expect(err).toMatch(ONE_LINE);
    for (const file of ['lock.json', 'dev.json']) {
      expect(existsSync(join(stateFolder, file)), file).toBe(false);
    }
    return err;
  };

  test('a busy port', async () => {
    const err = await refused();
    expect(err).toContain(`port ${edgePort} on 127.0.0.1 is in use: set EDGE_PORT to another`);
  });

  test('a port that is none', async () => {
    expect(await refused({ EDGE_PORT: 'eighty' })).toContain('EDGE_PORT must be a number');
  });

  test('damaged secrets', async () => {
    mkdirSync(stateFolder);
    writeFileSync(join(stateFolder, 'secrets.json'), '{');
    expect(await refused()).toContain('secrets.json is damaged ("npm run reset" clears it)');
  });

  test('a file where the state folder should be', async () => {
    writeFileSync(stateFolder, '');
    const { status, err } = await start().ended;
    expect(status).toBe(1);
    expect(err).toMatch(ONE_LINE);
    expect(err).toContain('cannot be used');
  });

  test('a damaged database', async () => {
    await runCardea(['dev'], { env }); // Makes the folder and its secrets; the port stops it.
    const databases = join(stateFolder, 'storage/v3/d1/miniflare-D1DatabaseObject');
    mkdirSync(join(databases, '..'), { recursive: true });
    writeFileSync(databases, 'not a folder');
    const [free = 0] = await findFreePorts(1);
    const err = await refused({ EDGE_PORT: String(free) });
    expect(err).toContain('cannot be brought up to date');
    expect(err).toContain('"npm run reset" clears it');
  });

  test('reset then makes it startable, and says so when there is nothing', async () => {
    mkdirSync(stateFolder);
    writeFileSync(join(stateFolder, 'secrets.json'), '{');
    expect(await cardea('reset')).toMatchObject({ status: 0, out: `removed ${stateFolder}\n` });
    expect(existsSync(stateFolder)).toBe(false);
    expect((await cardea('reset')).out).toContain('nothing to remove');
  });
});

describe('a stack that runs', () => {
  const issueKey = async () => {
    const issued = await cardea('keys', 'issue', 'k', '--actor', 'a', '--format', 'json');
    expect(issued.err).toBe('');
    return String(JSON.parse(issued.out).secret);
  };
  const readEdgeFile = () => JSON.parse(readFileSync(join(stateFolder, 'edge.json'), 'utf8'));
  let adminToken = '';
  let apiKey = '';
  /** The registration that a first start makes and later ones keep. */
  let edge: unknown;

  beforeAll(() => useFreshSettings('running'));

  test('comes up, says where it is, and stops whole at Ctrl-C', async () => {
    const stack = start();
    const out = await stack.untilPrinted(UP);
    const dev = readDevFile();
    expect(dev).toEqual({
      control_plane_url: `http://127.0.0.1:${controlPlanePort}`,
      edge_url: `http://127.0.0.1:${edgePort}`,
      origin_url: `http://127.0.0.1:${originPort}`,
      admin_token: expect.stringMatching(/^\S{40,}$/),
      kv_namespace_id: expect.stringMatching(/^\S+$/),
      feed_public_keys: [expect.stringMatching(/^[A-Za-z0-9_-]{43}$/)],
      pids: {
        control_plane: expect.any(Number),
        edge: expect.any(Number),
        origin: expect.any(Number),
      },
    });
    adminToken = dev.admin_token;
    edge = readEdgeFile();
    expect(edge).toMatchObject({ edgeId: expect.any(String), secret: expect.any(String) });
    for (const shown of [dev.control_plane_url, dev.edge_url, dev.origin_url, adminToken]) {
      expect(out).toContain(shown);
    }
    for (const name of readdirSync(stateFolder)) {
      const { mode } = statSync(join(stateFolder, name));
      expect((mode & 0o077).toString(8), name).toBe('0');
    }
    expect(livingMembers(pidsOf(dev)).length).toBeGreaterThanOrEqual(3);

    const second = await start().ended;
    expect(second.status).toBe(1);
    expect(second.err).toContain(`already running (process ${stack.process.pid}`);
    const reset = await cardea('reset');
    expect(reset).toMatchObject({ status: 1, err: expect.stringContaining('is running') });
    apiKey = await issueKey();

    stack.process.kill('SIGINT');
    expect(await stack.ended).toMatchObject({ status: 0, err: '' });
    expect(livingMembers(pidsOf(dev))).toEqual([]);
    for (const file of ['lock.json', 'dev.json']) {
      expect(existsSync(join(stateFolder, file)), file).toBe(false);
    }
  });

  test('the walkthrough works as it is printed, in front of the user’s own server too', async () => {
    const own = createServer((_, response) => response.end('{"own":true}'));
    await new Promise<void>((resolve) => own.listen(originPort, '127.0.0.1', () => resolve()));
    const stack = start({ ORIGIN_URL: `http://127.0.0.1:${originPort}`, FEED_HARD_SECONDS: '20' });
    const out = await stack.untilPrinted(UP);

    // The state of the first start is still there.
    const dev = readDevFile();
    expect(dev.admin_token).toBe(adminToken);
    expect(readEdgeFile()).toEqual(edge);
    expect(dev.pids.origin).toBe(null);
    expect((await cardea('keys', 'verify', apiKey)).status).toBe(0);

    const commands = commandsOf(out);
    expect(commands).toHaveLength(6); // Five, and where the state is: not in the checkout here.
    const { status, out: shown, err } = await runCommand(['bash', '-e', '-c', commands.join('\n')]);
    expect({ status, err: withoutProgress(err) }).toEqual({ status: 0, err: '' });
    const answers = shown.split(/(?=HTTP\/1\.1 )/);
    expect(answers).toHaveLength(2);
    expect(answers[0]).toMatch(/^HTTP\/1\.1 200 OK/);
    expect(answers[0]).toContain('{"own":true}');
    expect(answers[1]).toMatch(/^HTTP\/1\.1 401 Unauthorized/);
    expect(answers[1]).toContain('"code":"token_revoked"');

    // A control plane that somebody stops leaves the edge at work.
    process.kill(dev.pids.control_plane, 'SIGTERM');
    await stack.untilPrinted('control plane: stopped by somebody');
    expect(livingMembers([dev.pids.control_plane])).toEqual([]);
    const refused = await callWithToken(`${dev.edge_url}/v1/notes`, 'garbage');
    expect([refused.status, refused.body.code]).toEqual([401, 'token_malformed']);

    // Any other process that ends takes the stack with it.
    process.kill(dev.pids.edge, 'SIGKILL');
    const end = await stack.ended;
    expect(end.status).toBe(1);
    expect(end.err).toMatch(ONE_LINE);
    expect(end.err).toContain('the edge worker ended by itself (SIGKILL)');
    expect(livingMembers(pidsOf(dev))).toEqual([]);
    await new Promise((resolve) => own.close(resolve));
  });

  test('npm start that is interrupted leaves nothing running', async () => {
    rmSync(join(stateFolder, 'logs'), { recursive: true, force: true });
    const stack = start({}, ['npm', 'start']);
    const log = join(stateFolder, 'logs/control-plane.log');
    const isStarting = () => expect(readFileSync(log, 'utf8')).toContain('Starting local server');
    await vi.waitFor(isStarting, { timeout: 30_000 });
    stack.process.kill('SIGTERM');
    expect((await stack.ended).status).toBe(130);
    await expect(callWithToken(readUrl(), undefined)).rejects.toThrow();
    expect(existsSync(join(stateFolder, 'lock.json'))).toBe(false);
    for (const port of [controlPlanePort, edgePort, originPort]) {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', () => resolve()));
      server.close();
    }
  });

  const readUrl = () => `http://127.0.0.1:${controlPlanePort}/health/alive`;
});

/** The lines of the walkthrough that are commands. */
function commandsOf(out: string): string[] {
  const walkthrough = out.slice(out.indexOf('# Try it'), out.indexOf(UP));
  return walkthrough.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

/** curl draws how far it is on standard error. */
function withoutProgress(err: string): string {
  return err.replace(/^.*% Total[\s\S]*?--:--:-- [^\n]*\n?/gm, '').trim();
}
