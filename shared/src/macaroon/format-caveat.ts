/** The one text of each caveat. `parse-caveat.ts` accepts no other. */

import type { KnownCaveat } from './caveat.ts';
import { formatPathPattern } from './path-pattern.ts';
import { formatTime } from './time-text.ts';

/**
 * The text of a caveat as docs/caveats.md defines it. Lists are sorted and freed of repetitions.
 * Does not check the values: {@link parseCaveat} knows an impossible one when it sees it.
 */
export function formatCaveat(caveat: KnownCaveat): string {
  switch (caveat.kind) {
    case 'expires':
      return `time < ${formatTime(caveat.atSeconds)}`;
    case 'not_before':
      return `time >= ${formatTime(caveat.atSeconds)}`;
    case 'scopes':
      return `scope in ${formatList(caveat.scopes)}`;
    case 'methods':
      return `method in ${formatList(caveat.methods)}`;
    case 'paths':
      return `path in ${formatList(caveat.patterns.map(formatPathPattern))}`;
    case 'hosts':
      return `host in ${formatList(caveat.hosts)}`;
    case 'addresses':
      return `ip in ${formatList(caveat.cidrs)}`;
    case 'tools':
      return `tool in ${formatList(caveat.tools)}`;
    case 'audience':
    case 'tenant':
    case 'actor':
    case 'key':
    case 'token':
      return `${caveat.kind} = ${caveat.value}`;
    case 'extension':
      return `ext:${caveat.name} = ${caveat.value}`;
    case 'reserved':
      return `${caveat.name} = ${caveat.value}`;
  }
}

function formatList(elements: readonly string[]): string {
  return sorted(elements).join(' ');
}

/** Each once, by UTF-16 code units, which for the ASCII of our lists is by bytes. */
export function sorted(elements: readonly string[]): string[] {
  return [...new Set(elements)].sort();
}
