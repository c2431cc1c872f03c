/** Which processes are alive, by the group that they belong to. Linux (proc(5)). */

import { readdirSync, readFileSync } from 'node:fs';

/** Command names of the living members of the groups that `leaders` lead. Zombies do not count. */
export function livingMembers(leaders: readonly number[]): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const stat = readStat(pid);
      const alive = stat !== undefined && stat.state !== 'Z' && leaders.includes(stat.group);
      return alive ? [`${stat.command} (${pid})`] : [];
    });
}

function readStat(pid: string) {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined; // It ended while we looked.
  }
  const end = text.lastIndexOf(')');
  const [state = '', , group = ''] = text.slice(end + 2).split(' ');
  return { command: text.slice(text.indexOf('(') + 1, end), state, group: Number(group) };
}
