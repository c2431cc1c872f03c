/**
 * One stack per state folder. The lock is a file with the process that holds it; a lock left by
 * a process that no longer lives is taken over.
 */

import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseJsonObject } from '../json-object.ts';
import { StackFailed } from './stack-failed.ts';

export interface StackLock {
  readonly release: () => void;
}

/** Takes the lock of `stateFolder`, or fails naming the process that has it. */
export function takeLock(stateFolder: string): StackLock {
  const path = lockPath(stateFolder);
  const holder = findLockHolder(stateFolder);
  if (holder !== undefined) {
    throw new StackFailed(`the stack is already running (process ${holder}, ${stateFolder})`);
  }
  rmSync(path, { recursive: true, force: true });
  const content = JSON.stringify({ pid: process.pid, started: startTimeOf(process.pid) });
  // `wx` fails if another process has taken the lock since: then that one starts.
  writeFileSync(path, content, { mode: 0o600, flag: 'wx' });
  return { release: () => rmSync(path, { force: true }) };
}

/** The process that holds the lock of `stateFolder`, if it is alive. */
export function findLockHolder(stateFolder: string): number | undefined {
  const path = lockPath(stateFolder);
  if (!existsSync(path)) return undefined;
  // A lock that is not whole was left by a crash: nobody holds it.
  const { pid, started } = parseJsonObject(readFileSync(path, 'utf8')) ?? {};
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid < 1) return undefined;
  return isAlive(pid) && startTimeOf(pid) === started ? pid : undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives and belongs to somebody else.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/**
 * When the process started, in ticks since boot: tells a process from a later one with the same
 * number. Empty where there is no /proc; the number alone decides there.
 */
function startTimeOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // proc(5): field 22; the second field may hold spaces, so count after its closing bracket.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

function lockPath(stateFolder: string): string {
  return join(stateFolder, 'lock.json');
}
