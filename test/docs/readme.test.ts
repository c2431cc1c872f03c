/** The quick start of `cardea serve` in README.md, run as it stands there, in a folder of the test's own. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { call } from '../e2e/harness/calls.ts';
import { CARDEA, runCommand, startCommand } from '../e2e/harness/cardea-command.ts';
import { logLines } from '../e2e/harness/node-control-plane.ts';
import { readText } from '../tidy/source-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'cardea-readme-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const [, block = ''] =
  /<!-- run by test\/docs\/readme\.test\.ts -->\n```sh\n([\s\S]*?)\n```/.exec(
    readText('README.md'),
  ) ?? [];

/** In another folder the command is not where a checkout has it. */
const lines = block
  .split('\n')
  .map((line) =>
    line.replace(/(?:npx cardea|node (--\S+ )?cli\/bin\/cardea\.mjs)\b/, `node $1${CARDEA}`),
  );

test('without a DATABASE_URL it serves from an embedded database, and describes itself', async () => {
  const [start = '', ...before] = lines.toReversed();
  const made = await runCommand(['bash', '-e', '-c', before.toReversed().join('\n')], {
    cwd: folder,
  });
  expect(made).toMatchObject({ status: 0, err: '' });
  const env = { CONTROL_PLANE_PORT: '0' };
  const server = startCommand(['bash', '-c', `exec ${start}`], { cwd: folder, env });
  const out = await server.untilPrinted('"event":"started"');
  const { url, database } = logLines(out).find(({ event }) => event === 'started') ?? {};
  expect(database).toBe('pglite');
  const readiness = async () => (await call(`${url}/health/ready`)).status;
  await expect.poll(readiness, { timeout: 10_000 }).toBe(200);
  for (const path of ['/openapi.json', '/reference']) {
    expect([path, (await call(`${url}${path}`)).status]).toEqual([path, 200]);
  }
  server.process.kill('SIGTERM');
  expect((await server.ended).status).toBe(0);
});
