/** Groups of processes: signal one as a whole, and see who is left of it. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** How long the system gets to clear away what was killed, milliseconds. */
const END_MILLISECONDS_MAX = 2_000;
const POLL_MILLISECONDS = 20;

/** Signals every member of the group that `leader` leads. One without members is left alone. */
export function signalGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/** Kills what is left of the group, and waits until it is gone. */
export async function endGroup(leader: number): Promise<void> {
  signalGroup(leader, 'SIGKILL');
  const deadline = performance.now() + END_MILLISECONDS_MAX;
  while (livingMembers([leader]).length > 0 && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
  }
}

/**
 * The members of the groups that `leaders` lead, as `name (number)`. Processes that have ended and
 * wait to be collected do not count. Empty where there is no /proc to ask (proc(5)).
 */
export function livingMembers(leaders: readonly number[]): string[] {
  if (!existsSync('/proc/self/stat')) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const stat = readStat(pid);
      const isAlive = stat !== undefined && stat.state !== 'Z' && leaders.includes(stat.group);
      return isAlive ? [`${stat.command} (${pid})`] : [];
    });
}

function readStat(pid: string) {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined; // It ended while we looked.
  }
  // The second field, in brackets, may hold spaces and brackets itself.
  const end = text.lastIndexOf(')');
  const [state = '', , group = ''] = text.slice(end + 2).split(' ');
  return { command: text.slice(text.indexOf('(') + 1, end), state, group: Number(group) };
}
