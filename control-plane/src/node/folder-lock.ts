/**
 * One process per folder, for a database whose files nothing else protects. The lock is a file beside
 * the folder that says who holds it. A holder on this machine is looked up by its process, and a lock
 * that it has left behind is taken over at once; one elsewhere (the folder may lie on a volume) is
 * believed as long as it keeps its lock fresh.
 */

import { readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { StartFailed } from './start-failed.ts';

export interface FolderLock {
  readonly release: () => void;
}

const REFRESH_MILLISECONDS = 2_000;
/** Five refreshes: a machine under load may miss some. */
const FRESH_MILLISECONDS = 10_000;

interface Holder {
  readonly pid: number;
  readonly host: string;
  /** Tells a process from a later one with the same number. */
  readonly started: string;
}

/** Throws {@link StartFailed} if somebody else has the folder. */
export function lockFolder(folder: string): FolderLock {
  const path = `${folder}.lock`;
  const me: Holder = { pid: process.pid, host: hostname(), started: startOf(process.pid) };
  const holder = readHolder(path);
  if (holder !== undefined && isHeld(path, holder)) {
    throw new StartFailed(
      `the embedded database in ${folder} is in use by process ${holder.pid} on ${holder.host}: ` +
        'one process can use it at a time (several need DATABASE_URL)',
    );
  }
  rmSync(path, { force: true });
  // `wx` fails if another process has taken the lock since: then that one starts.
  writeFileSync(path, JSON.stringify(me), { flag: 'wx', mode: 0o600 });
  const refresh = setInterval(() => touch(path), REFRESH_MILLISECONDS);
  refresh.unref();
  return {
    release() {
      clearInterval(refresh);
      rmSync(path, { force: true });
    },
  };
}

function touch(path: string): void {
  const now = new Date();
  try {
    utimesSync(path, now, now);
  } catch {
    // Somebody has removed it, perhaps with the whole folder: there is nothing left to keep fresh.
  }
}

/** A lock that is not whole was left by a crash: nobody holds it. */
function readHolder(path: string): Holder | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    const { pid, host, started } = value as Partial<Record<keyof Holder, unknown>>;
    const isWhole = Number.isSafeInteger(pid) && typeof host === 'string';
    return isWhole ? { pid: Number(pid), host, started: String(started) } : undefined;
  } catch {
    return undefined;
  }
}

function isHeld(path: string, { pid, host, started }: Holder): boolean {
  if (host !== hostname()) return Date.now() - statSync(path).mtimeMs < FRESH_MILLISECONDS;
  return pid !== process.pid && isAlive(pid) && startOf(pid) === started;
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

/** When a process started, in ticks since boot; empty where there is no /proc. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // proc(5): field 22; the second field may hold spaces, so count after its closing bracket.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}
