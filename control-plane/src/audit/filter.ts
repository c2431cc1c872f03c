/**
 * The filter of audit events: `operation`, `target_id`, `caller_id` and `tenant_id` with `=`, `time`
 * with `>=` and `<` (RFC 3339). No I/O.
 */

import { type Clause, readClauses } from '../filter-clauses.ts';
import { parseTimestamp } from '../timestamp.ts';
import type { AuditQuery } from './store.ts';

export type EventFilter = Pick<
  AuditQuery,
  'tenantId' | 'operation' | 'targetId' | 'callerId' | 'since' | 'until'
>;

export type EventFilterRead =
  | { readonly ok: true; readonly filter: EventFilter }
  /** `rule` is public text: what the filter broke, without quoting it. */
  | { readonly ok: false; readonly rule: string };

const TEXT_FIELDS: ReadonlyMap<string, 'tenantId' | 'operation' | 'targetId' | 'callerId'> =
  new Map([
    ['tenant_id', 'tenantId'],
    ['operation', 'operation'],
    ['target_id', 'targetId'],
    ['caller_id', 'callerId'],
  ]);

export function parseEventFilter(text: string): EventFilterRead {
  const read = readClauses(text);
  if (!read.ok) return read;
  let filter: EventFilter = {};
  for (const clause of read.clauses) {
    const part = partOf(clause);
    if (typeof part === 'string') return { ok: false, rule: part };
    filter = { ...filter, ...part };
  }
  return { ok: true, filter };
}

/** What a clause asks for, or the rule that it breaks. */
function partOf({ field, operator, value }: Clause): EventFilter | string {
  if (field === 'time') {
    if (operator === '=') return 'compares time by something else than >= and <';
    const time = parseTimestamp(value);
    if (time === undefined) return 'has a time that is not like 2026-01-31T12:00:00Z';
    return operator === '>=' ? { since: time } : { until: time };
  }
  const member = TEXT_FIELDS.get(field);
  if (member === undefined) return 'has an unknown field';
  return operator === '=' ? { [member]: value } : `compares ${field} by something else than =`;
}
