/** Guarantee: a process of the stack never outlives it, nor does anything that it has started. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Child, startChild } from '@cardea/cli/dev-stack/child';
import { livingMembers } from '@cardea/cli/dev-stack/process-group';
import { REPOSITORY_FOLDER } from '@cardea/cli/repository';
import { afterAll, expect, test, vi } from 'vitest';
import { startCommand } from './harness/cardea-command.ts';

const folder = mkdtempSync(join(tmpdir(), 'cardea-child-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Starts another process that does the same, and says when both are there. */
const FAMILY = `
import { spawn } from 'node:child_process';
if (process.argv[2] === 'stubborn') process.on('SIGTERM', () => {});
const wait = 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000); console.log("up")';
spawn(process.execPath, ['--input-type=module', '--eval', wait], { stdio: 'inherit' });
setInterval(() => {}, 1000);
`;

let count = 0;
function start(script: string, ...args: string[]): Child {
  count += 1;
  const file = join(folder, `${count}.mjs`);
  writeFileSync(file, script);
  const logFile = join(folder, `${count}.log`);
  return startChild({ name: 'a process', args: [file, ...args], cwd: folder, logFile });
}

const isUp = (child: Child) =>
  vi.waitFor(() => expect(readFileSync(child.logFile, 'utf8')).toContain('up'), {
    timeout: 10_000,
  });

test('stop ends a process and what it has started', async () => {
  const child = start(FAMILY);
  await isUp(child);
  expect(livingMembers([child.pid])).toHaveLength(2);
  await child.stop();
  await vi.waitFor(() => expect(livingMembers([child.pid])).toEqual([]));
  expect(child.hasEnded()).toBe(true);
});

test('stop ends a process that ignores SIGTERM', async () => {
  const child = start(FAMILY, 'stubborn');
  await isUp(child);
  await child.stop();
  expect(await child.ended).toEqual({ code: null, signal: 'SIGKILL' });
  await vi.waitFor(() => expect(livingMembers([child.pid])).toEqual([]));
});

test('stop ends a process that is frozen', async () => {
  const child = start(FAMILY);
  await isUp(child);
  child.freeze();
  await child.stop();
  await vi.waitFor(() => expect(livingMembers([child.pid])).toEqual([]));
});

test('a process whose starter is killed ends by itself', async () => {
  const script = join(folder, 'stubborn.mjs');
  writeFileSync(script, FAMILY);
  const starter = join(REPOSITORY_FOLDER, 'test/e2e/harness/start-child-and-wait.ts');
  const parent = startCommand([process.execPath, starter, script, join(folder, 'killed.log')]);
  const pid = Number.parseInt(await parent.untilPrinted('\n'), 10);
  await vi.waitFor(() => expect(livingMembers([pid])).toHaveLength(2), { timeout: 10_000 });
  parent.process.kill('SIGKILL');
  await vi.waitFor(() => expect(livingMembers([pid])).toEqual([]), { timeout: 15_000 });
});

test('a process sees neither credentials nor settings of other tools', async () => {
  vi.stubEnv('CLOUDFLARE_API_TOKEN', 'not-for-children');
  vi.stubEnv('NODE_OPTIONS', '--no-deprecation');
  const child = start('console.log(Object.keys(process.env).sort().join())');
  expect((await child.ended).code).toBe(0);
  const names = readFileSync(child.logFile, 'utf8');
  expect(names).toContain('PATH');
  expect(names).not.toMatch(/CLOUDFLARE|NODE_OPTIONS|VITEST/);
  vi.unstubAllEnvs();
});

test('the reason of a failure is found in the log, without colours', async () => {
  const child = start(
    `console.log('a'); console.error('\\u001b[31m✘ ERROR port taken\\u001b[0m\\nbye')`,
  );
  await child.ended;
  expect(child.lastComplaint()).toBe('✘ ERROR port taken');
});
