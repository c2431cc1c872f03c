/** Guarantee: two processes never open one embedded database, and a crash locks nobody out. */

import { existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockFolder } from './folder-lock.ts';
import { StartFailed } from './start-failed.ts';

let folder = '';
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'cardea-lock-')), 'pglite');
});
afterEach(() => rmSync(join(folder, '..'), { recursive: true, force: true }));

const write = (content: object | string) =>
  writeFileSync(`${folder}.lock`, typeof content === 'string' ? content : JSON.stringify(content));

test('a lock is there until it is released, and can be taken again', () => {
  const lock = lockFolder(folder);
  expect(existsSync(`${folder}.lock`)).toBe(true);
  lock.release();
  expect(existsSync(`${folder}.lock`)).toBe(false);
  lockFolder(folder).release();
});

const PARENT = process.ppid;
const here = hostname();

test('what another living process holds is refused, and stays', () => {
  write({ pid: PARENT, host: here, started: startedAs(PARENT) });
  expect(() => lockFolder(folder)).toThrow(StartFailed);
  expect(() => lockFolder(folder)).toThrow(`in use by process ${PARENT} on ${here}`);
  expect(existsSync(`${folder}.lock`)).toBe(true);
});

test.each([
  ['of a process that is gone', { pid: 4_194_305, host: here, started: '1' }],
  ['of an earlier process with that number', { pid: PARENT, host: here, started: '1' }],
  ['of an earlier process with our number', { pid: process.pid, host: here, started: '1' }],
  ['that was never written whole', '{"pid":'],
  ['that is something else', '[]'],
])('a lock %s is taken over', (_, content) => {
  write(content);
  lockFolder(folder).release();
});

test('another machine is believed while it keeps its lock fresh, and not after', () => {
  write({ pid: 1, host: `not-${here}`, started: '1' });
  expect(() => lockFolder(folder)).toThrow(`in use by process 1 on not-${here}`);
  const long = new Date(Date.now() - 11_000);
  utimesSync(`${folder}.lock`, long, long);
  lockFolder(folder).release();
});

/** proc(5), field 22. */
function startedAs(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}
