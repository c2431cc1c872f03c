/** Guarantee: state is private, used by one stack at a time, kept or refused as a whole. */

import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { StackFailed } from './stack-failed.ts';
import { openStateFolder, removeStateFolder } from './state-folder.ts';

let parent = '';
let path = '';
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'cardea-state-'));
  path = join(parent, '.cardea');
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

const modeOf = (file: string) => statSync(file).mode & 0o777;

/** Opens and closes, as a stack does that is started and stopped. */
function runOnce() {
  const state = openStateFolder(path);
  state.lock.release();
  return state;
}

test('a new folder is readable by its owner alone, and so are the secrets', () => {
  const { secrets } = runOnce();
  expect(modeOf(path)).toBe(0o700);
  expect(modeOf(join(path, 'secrets.json'))).toBe(0o600);
  expect(readFileSync(join(path, 'secrets.json'), 'utf8')).toContain(secrets.adminToken);
});

test('a folder that others could read is closed to them', () => {
  runOnce();
  chmodSync(path, 0o755);
  chmodSync(join(path, 'secrets.json'), 0o644);
  runOnce();
  expect([modeOf(path), modeOf(join(path, 'secrets.json'))]).toEqual([0o700, 0o600]);
});

test('a second start finds the same secrets; after a reset there are others', () => {
  const first = runOnce().secrets;
  expect(runOnce().secrets).toEqual(first);
  expect(removeStateFolder(path)).toBe(true);
  expect(existsSync(path)).toBe(false);
  expect(runOnce().secrets).not.toEqual(first);
});

test('a second stack on the same folder is refused while the first one lives', () => {
  const state = openStateFolder(path);
  expect(() => openStateFolder(path)).toThrow(`already running (process ${process.pid}`);
  expect(() => removeStateFolder(path)).toThrow('is running');
  state.lock.release();
  expect(() => runOnce()).not.toThrow();
});

const LEFT_BEHIND: ReadonlyArray<readonly [what: string, content: string]> = [
  ['of a process that is gone', '{"pid":4194305,"started":"1"}'],
  ['of an earlier process with our number', JSON.stringify({ pid: process.pid, started: '1' })],
  ['that was never written whole', '{"pid":'],
  ['with a number that is none', '{"pid":-1,"started":""}'],
];

test.each(LEFT_BEHIND)('a lock %s is taken over', (_, content) => {
  runOnce();
  writeFileSync(join(path, 'lock.json'), content);
  expect(() => runOnce()).not.toThrow();
});

const DAMAGED: ReadonlyArray<readonly [what: string, content: string]> = [
  ['empty', ''],
  ['no JSON', 'x'],
  ['a list', '[]'],
  ['of another version', '{"version":2}'],
  ['without the feed key', '{"version":1,"cardeaSecret":"a","adminToken":"b"}'],
];

test('secrets of which one was changed are refused', () => {
  const { secrets } = runOnce();
  const write = (changes: object) =>
    writeFileSync(
      join(path, 'secrets.json'),
      JSON.stringify({ version: 1, ...secrets, ...changes }),
    );
  write({});
  expect(runOnce().secrets).toEqual(secrets);
  for (const changes of [
    { cardeaSecret: 'short' },
    { adminToken: '' },
    { feedSigningKey: '{}' },
    { feedSigningKey: 'x' },
    { feedPublicKey: secrets.cardeaSecret },
  ]) {
    write(changes);
    expect(() => openStateFolder(path), Object.keys(changes).join()).toThrow('is damaged');
  }
});

test.each(DAMAGED)('secrets that are %s are refused, and stay as they are', (_, content) => {
  mkdirSync(path);
  writeFileSync(join(path, 'secrets.json'), content);
  expect(() => openStateFolder(path)).toThrow(
    new StackFailed(
      `the state folder ${path} is broken: secrets.json is damaged ("npm run reset" clears it)`,
    ),
  );
  expect(readFileSync(join(path, 'secrets.json'), 'utf8')).toBe(content);
  expect(existsSync(join(path, 'lock.json'))).toBe(false);
  expect(removeStateFolder(path)).toBe(true);
});

test.each(['storage', 'pglite'])('databases in %s without their secrets are refused', (folder) => {
  runOnce();
  mkdirSync(join(path, folder), { recursive: true });
  writeFileSync(join(path, folder, 'database'), '');
  rmSync(join(path, 'secrets.json')); // New ones could not open what these have sealed.
  expect(() => openStateFolder(path)).toThrow('secrets.json is missing');
});

test('a file in the place of the folder is one line, not a stack', () => {
  writeFileSync(path, '');
  expect(() => openStateFolder(path)).toThrow(StackFailed);
  expect(() => openStateFolder(path)).toThrow('cannot be used: EEXIST');
});

test('reset removes nothing that Cardea has not made', () => {
  const foreign = join(parent, 'documents');
  mkdirSync(foreign);
  writeFileSync(join(foreign, 'thesis'), '');
  expect(() => removeStateFolder(foreign)).toThrow('was not made by Cardea');
  expect(existsSync(join(foreign, 'thesis'))).toBe(true);
});

test('reset of nothing says that there was nothing', () => {
  expect(removeStateFolder(path)).toBe(false);
});
