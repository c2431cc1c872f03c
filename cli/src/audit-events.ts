/** What the `cardea audit` commands share: where the events are, which are asked for, what is wrong. */

import type { OptionValues } from './command.ts';
import { asJsonObject } from './json-object.ts';
import { printable, quoted } from './output.ts';

export const AUDIT_EVENTS = '/v1/admin/auditEvents';

/** Options that choose events. */
export const EVENT_OPTIONS = ['since', 'until', 'operation', 'target', 'caller'] as const;

export const EVENT_OPTIONS_HELP = [
  '--since 2026-01-31 or 2026-01-31T12:00:00Z (inclusive)   --until the same (exclusive)',
  '--operation api_key.revoke   --target ID of what was changed   --caller ID of who did it',
];

/** The server's filter for the given options; '' for none. */
export function eventFilter(options: OptionValues): string {
  const { since, until, operation, target, caller } = options;
  const clauses = [
    since === undefined ? '' : `time>=${quoted(timeOf(since))}`,
    until === undefined ? '' : `time<${quoted(timeOf(until))}`,
    operation === undefined ? '' : `operation=${quoted(operation)}`,
    target === undefined ? '' : `target_id=${quoted(target)}`,
    caller === undefined ? '' : `caller_id=${quoted(caller)}`,
  ];
  return clauses.filter((clause) => clause !== '').join(' AND ');
}

/** A day stands for its beginning, UTC. What is no time, the server refuses. */
function timeOf(text: string): string {
  return /^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text;
}

/** `missing at position 5` or `altered at position 4 (event …, 2026-…)`. */
export function problemText(value: unknown): string | undefined {
  const problem = asJsonObject(value);
  if (problem === undefined) return undefined;
  const { kind, position, event_id: eventId, time } = problem;
  const place = position === undefined ? 'without a place' : `at position ${position}`;
  const named = [eventId === undefined ? '' : `event ${eventId}`, time ?? ''];
  const details = named.filter((part) => part !== '').join(', ');
  return printable(`${kind} ${place}${details === '' ? '' : ` (${details})`}`);
}
