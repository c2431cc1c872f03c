/** Guarantee: `cardea` runs under any Node that finds a newer one, and otherwise says so in a line. */

import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { REPOSITORY_FOLDER } from '@cardea/cli/repository';
import { afterAll, expect, test } from 'vitest';
import { runCommand } from './harness/cardea-command.ts';

/** A checkout without `npm ci`: only what the command itself is made of, and its link to `shared`. */
const checkout = mkdtempSync(join(tmpdir(), 'cardea-node-'));
const PARTS = ['cli/bin', 'cli/src', 'cli/package.json', 'package.json', 'shared'];
for (const part of PARTS) {
  cpSync(join(REPOSITORY_FOLDER, part), join(checkout, part), { recursive: true });
}
mkdirSync(join(checkout, 'node_modules/@cardea'), { recursive: true });
symlinkSync(join(checkout, 'shared'), join(checkout, 'node_modules/@cardea/shared'));
afterAll(() => rmSync(checkout, { recursive: true, force: true }));

/** Runs `cardea` as if under Node `version`: preloaded, this changes what the process says it is. */
function runUnder(version: string, args: string[]) {
  const preload = join(checkout, `node-${version}.mjs`);
  writeFileSync(
    preload,
    `const versions = { ...process.versions, node: '${version}' };
     Object.defineProperty(process, 'versions', { value: versions });`,
  );
  const entry = join(checkout, 'cli/bin/cardea.mjs');
  return runCommand([process.execPath, '--import', preload, entry, ...args], { cwd: checkout });
}

test.each(['14.21.3', '18.20.4', '20.20.2', '22.11.0'])(
  'Node %s without another one: one line, exit 1, nothing done',
  async (version) => {
    const { status, out, err } = await runUnder(version, ['version']);
    expect(status).toBe(1);
    expect(out).toBe('');
    expect(err).toMatch(
      /^cardea: Node \S+ is too old; Cardea needs Node 22\.12 or newer\.[^\n]*\n$/,
    );
    expect(err).toContain(version);
  },
);

test.each(['22.12.0', '22.17.1', '23.5.0', '22.18.0', '23.6.0', '24.0.0', '26.1.0'])(
  'Node %s runs it',
  async (version) => {
    const { status, out, err } = await runUnder(version, ['version']);
    expect({ status, err }).toEqual({ status: 0, err: '' });
    expect(out).toMatch(/^cardea \d+\.\d+\.\d+\n$/);
  },
);

test('an older Node starts the one that npm installed, and ends as that one ends', async () => {
  mkdirSync(join(checkout, 'node_modules/.bin'), { recursive: true });
  symlinkSync(process.execPath, join(checkout, 'node_modules/.bin/node'));
  try {
    expect((await runUnder('18.20.4', ['version'])).out).toMatch(/^cardea \d/);
    const wrong = await runUnder('18.20.4', ['no-such-command']);
    expect(wrong.status).toBe(2);
    expect(wrong.err).toContain('no command "no-such-command"');
  } finally {
    rmSync(join(checkout, 'node_modules/.bin'), { recursive: true });
  }
});

test('without its dependencies it says so in a line', async () => {
  const link = join(checkout, 'node_modules/@cardea/shared');
  rmSync(link);
  try {
    const { status, out, err } = await runUnder('24.0.0', ['version']);
    const line = 'cardea: the dependencies are missing: run "npm ci" first\n';
    expect({ status, out, err }).toEqual({ status: 1, out: '', err: line });
  } finally {
    symlinkSync(join(checkout, 'shared'), link);
  }
});
