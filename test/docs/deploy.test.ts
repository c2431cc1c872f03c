/** The steps of docs/deploy.md, as far as they go without a Cloudflare account. */

import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { readText } from '../tidy/source-files.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Without their types: those of Workers and of Node do not go together. */
const { parseConfig } = await import(join(ROOT, 'control-plane/src/config.workers.ts'));
const { parseEdgeConfig } = await import(join(ROOT, 'edge-worker/src/config.ts'));

const OFFLINE = {
  ...process.env,
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_HIDE_BANNER: 'true',
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
};
const run = promisify(execFile);

/** Runs a tool of the repository in its root, as `npx` would. */
const tool = (path: string, args: readonly string[]) =>
  run(process.execPath, [join(ROOT, path), ...args], { cwd: ROOT, env: OFFLINE });

test('the set that `cardea secrets` prints is one that both planes take', async () => {
  const { stdout } = await tool('cli/bin/cardea.mjs', ['secrets']);
  const secrets = Object.fromEntries(
    stdout
      .trim()
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
  const names = { ENVIRONMENT_ID: 'production', ISSUER: 'https://keys.example.com' };
  const bindings = { DB: {}, FEED: { get: () => null }, HUB: {}, ATTEMPTS: {}, LIMITS: {} };
  expect(() => parseConfig({ ...secrets, ...names, ...bindings })).not.toThrow();
  const ROUTES = '[{"path":"/*","scopes":["api"]}]';
  const edge = { ...names, ...bindings, ORIGIN_URL: 'https://api.example.com', ROUTES };
  expect(() => parseEdgeConfig({ ...secrets, ...edge })).not.toThrow();
  expect(() => parseConfig({ ...names, ...bindings })).toThrow(/CARDEA_SECRET: missing/);
  expect(() => parseEdgeConfig(edge)).toThrow(/FEED_PUBLIC_KEYS: missing/);
});

/** Shell lines of the documents that call wrangler, and what they say of it in passing. */
const WRANGLER = ['docs/deploy.md', 'docs/deploy-node.md', 'docs/operations.md', 'README.md']
  .flatMap((path) => [...readText(path).matchAll(/npx wrangler ([a-z][^`\n]*)/g)])
  .map(([, args = '']) => args.trim());

/** Command words as wrangler knows them: a name of ours may follow them. */
const COMMANDS = [
  ...['login', 'secret put', 'kv namespace create', 'hyperdrive create'],
  ...['d1 create', 'd1 export', 'd1 execute', 'd1 time-travel info'],
];
/** These are run below. */
const RUN = ['deploy', 'd1 migrations apply'];

test.concurrent.each(COMMANDS)(
  'wrangler %s exists, with the options that the documents give it',
  async (command) => {
    const calls = WRANGLER.filter((args) => `${args} `.startsWith(`${command} `));
    expect(calls.length).toBeGreaterThan(0);
    const { stdout } = await tool('node_modules/wrangler/bin/wrangler.js', [
      ...command.split(' '),
      '--help',
    ]);
    expect(stdout).toContain(`wrangler ${command}`);
    const known = new Set(stdout.match(/(?<=[ ,])--?[a-z-]+/g));
    const options = calls.flatMap((args) => args.match(/(?<= )--?[a-z-]+/g) ?? []);
    expect(options.filter((option) => !known.has(option))).toEqual([]);
  },
);

test('the documents call no other command of wrangler', () => {
  const unknown = WRANGLER.filter(
    (args) => ![...COMMANDS, ...RUN].some((command) => `${args} `.startsWith(`${command} `)),
  );
  expect(unknown).toEqual([]);
});

test('the migrations of D1 apply, on a database of this machine', async () => {
  const [apply = ''] = WRANGLER.filter((args) => args.startsWith('d1 migrations apply'));
  const folder = mkdtempSync(join(tmpdir(), 'cardea-d1-'));
  try {
    const local = [...apply.replace('--remote', '--local').split(' '), '--persist-to', folder];
    const { stdout } = await tool('node_modules/wrangler/bin/wrangler.js', local);
    expect(stdout).toMatch(/0001\S*\.sql/);
    const { stdout: again } = await tool('node_modules/wrangler/bin/wrangler.js', local);
    expect(again).toContain('No migrations to apply');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** Builds what would be deployed, and tells its bindings. */
async function dryRun(args: readonly string[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'cardea-deploy-'));
  try {
    const dry = [...args, '--dry-run', '--outdir', folder];
    const { stdout } = await tool('node_modules/wrangler/bin/wrangler.js', dry);
    expect(readdirSync(folder)).toContain('worker.js');
    return stdout;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const BINDINGS = new Map([
  ['deploy -c control-plane/wrangler.toml', ['FEED', 'DB', 'HUB', 'ATTEMPTS', 'LIMITS']],
  ['deploy', ['FEED']],
]);

test('docs/deploy.md deploys both workers, at first and for a newer version', () => {
  const deploys = WRANGLER.filter((args) => /^deploy(?: -c \S+)?$/.test(args));
  expect([...new Set(deploys)]).toEqual([...BINDINGS.keys()]);
});

test.each([...BINDINGS])('wrangler %s builds what would be deployed', async (args, names) => {
  const stdout = await dryRun(args.split(' '));
  for (const name of names) expect(stdout).toContain(`env.${name} `);
});

test('with the block of Hyperdrive in the place of D1 it builds too', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cardea-hyperdrive-'));
  try {
    const config = readText('control-plane/wrangler.toml')
      .replace(/^\[\[d1_databases\]\]\n(?:\S.*\n)+/m, '')
      .replace(/^# (\[\[hyperdrive\]\]|binding = .*|id = .*)$/gm, '$1')
      .replace('main = "', `main = "${join(ROOT, 'control-plane')}/`);
    const path = join(folder, 'wrangler.toml');
    writeFileSync(path, config);
    const stdout = await dryRun(['deploy', '-c', path]);
    expect(stdout).toContain('env.HYPERDRIVE ');
    expect(stdout).not.toContain('env.DB ');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
