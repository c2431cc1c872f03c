/** The one text of each caveat. `parse-caveat.ts` accepts no other. */

import type { UnixSeconds } from '../time.ts';
import type { KnownCaveat } from './caveat.ts';
import { formatPathPattern } from './path-pattern.ts';

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

/** RFC 3339 in UTC, whole seconds. Empty for what lies outside of the years 1970 to 9999. */
export function formatTime(atSeconds: UnixSeconds): string {
  const isInRange = Number.isInteger(atSeconds) && atSeconds >= 0 && atSeconds <= 253_402_300_799;
  return isInRange ? `${new Date(atSeconds * 1000).toISOString().slice(0, 19)}Z` : '';
}

function formatList(elements: readonly string[]): string {
  return sorted(elements).join(' ');
}

/** Each once, by UTF-16 code units, which for the ASCII of our lists is by bytes. */
export function sorted(elements: readonly string[]): string[] {
  return [...new Set(elements)].sort();
}
