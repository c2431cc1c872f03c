#!/usr/bin/env node
/**
 * The entry of the `cardea` command: finds a Node that can run its TypeScript, and runs it.
 * Plain JavaScript that even Node 14 parses, so that an old Node gets a sentence instead of a
 * stack trace. Nothing else belongs here.
 */

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const MINIMUM = [22, 12];
const LOCAL_NODE = fileURLToPath(new URL('../../node_modules/.bin/node', import.meta.url));
const STRIP_TYPES = '--experimental-strip-types';
/** Set for the second process, so that there is never a third. */
const STARTED_AGAIN = 'CARDEA_STARTED_AGAIN';

const [major, minor] = process.versions.node.split('.').map(Number);
/** Type stripping needs no flag since 22.18 and 23.6. */
const stripsTypes = major >= 24 || (major === 23 && minor >= 6) || (major === 22 && minor >= 18);
const supported = major > MINIMUM[0] || (major === MINIMUM[0] && minor >= MINIMUM[1]);

if (stripsTypes || process.execArgv.includes(STRIP_TYPES)) {
  delete process.env[STARTED_AGAIN];
  import('../src/cli.ts').then(
    (cli) => cli.runFromProcess(),
    (error) => {
      const isUninstalled =
        error.code === 'ERR_MODULE_NOT_FOUND' && /'@cardea\//.test(error.message);
      console.error(
        isUninstalled ? 'cardea: the dependencies are missing: run "npm ci" first' : error,
      );
      process.exitCode = 1;
    },
  );
} else if (process.env[STARTED_AGAIN] === undefined && existsSync(LOCAL_NODE)) {
  startAgain(LOCAL_NODE, []);
} else if (supported && process.env[STARTED_AGAIN] === undefined) {
  startAgain(process.execPath, [STRIP_TYPES, '--disable-warning=ExperimentalWarning']);
} else {
  console.error(
    'cardea: Node ' +
      process.versions.node +
      ' is too old; Cardea needs Node ' +
      MINIMUM.join('.') +
      ' or newer. (On Linux, "npm ci" installs one; then use "npm start".)',
  );
  process.exitCode = 1;
}

/** Runs this file under another Node and ends as it ends; signals are passed on. */
function startAgain(node, flags) {
  const args = flags.concat(fileURLToPath(import.meta.url), process.argv.slice(2));
  const env = Object.assign({}, process.env, { [STARTED_AGAIN]: '1' });
  const child = spawn(node, args, { stdio: 'inherit', env });
  // A terminal sends Ctrl-C to both processes: this one only has to outlive the other.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  process.on('SIGHUP', () => child.kill('SIGHUP'));
  child.on('error', (error) => {
    console.error(`cardea: cannot start ${node}: ${error.message}`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    process.exitCode = signal === null ? code : 1;
  });
}
