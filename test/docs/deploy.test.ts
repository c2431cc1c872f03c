/** The steps of docs/deploy.md, as far as they go without a Cloudflare account. */

import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
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

const DEPLOYS = [...readText('docs/deploy.md').matchAll(/npx wrangler (deploy.*)/g)].map(
  ([, args = '']) => args.split(' '),
);

test('docs/deploy.md deploys both workers', () => {
  expect(DEPLOYS).toEqual([['deploy', '-c', 'control-plane/wrangler.toml'], ['deploy']]);
});

test.each(DEPLOYS.map((args) => [args.join(' '), args] as const))(
  'wrangler %s builds what would be deployed',
  async (_, args) => {
    const folder = mkdtempSync(join(tmpdir(), 'cardea-deploy-'));
    try {
      const dry = [...args, '--dry-run', '--outdir', folder];
      const { stdout } = await tool('node_modules/wrangler/bin/wrangler.js', dry);
      expect(stdout).toContain('env.FEED');
      expect(readdirSync(folder)).toContain('worker.js');
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
