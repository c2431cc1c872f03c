/**
 * The filter of a listing: `clause (AND clause)*`, where a clause is `actor_id="…"`, `actor_id=word`
 * or `status=KEY_STATUS_…` (a small part of AIP-160). Its result is bound as parameters and never becomes SQL
 * text. No I/O.
 */

import { CLAUSE_FORM, readClauses } from '../filter-clauses.ts';
import { FILTER_ACTOR_LENGTH_MAX } from '../limits.ts';
import type { KeyStatus } from './status.ts';

export interface KeyFilter {
  readonly actorId?: string;
  readonly status?: KeyStatus;
}

export type FilterRead =
  | { readonly ok: true; readonly filter: KeyFilter }
  /** `rule` is public text: what the filter broke, without quoting it. */
  | { readonly ok: false; readonly rule: string };

const STATUSES: ReadonlyMap<string, KeyStatus> = new Map([
  ['KEY_STATUS_ACTIVE', 'active'],
  ['KEY_STATUS_REVOKED', 'revoked'],
  ['KEY_STATUS_EXPIRED', 'expired'],
  ['KEY_STATUS_DISABLED', 'disabled'],
]);

export function parseFilter(text: string): FilterRead {
  const read = readClauses(text);
  if (!read.ok) return read;
  let filter: KeyFilter = {};
  for (const { field, operator, value } of read.clauses) {
    if (operator !== '=') return broken(CLAUSE_FORM);
    const member = memberOf(field, value);
    if (typeof member === 'string') return broken(member);
    filter = { ...filter, ...member };
  }
  return { ok: true, filter };
}

/** What the clause asks for, or the rule that it breaks. */
function memberOf(field: string, value: string): KeyFilter | string {
  switch (field) {
    case 'actor_id':
      if (value.length > FILTER_ACTOR_LENGTH_MAX) return 'has an actor_id that is too long';
      return { actorId: value };
    case 'status': {
      const status = STATUSES.get(value);
      return status === undefined ? 'has an unknown status' : { status };
    }
    default:
      return 'has an unknown field';
  }
}

function broken(rule: string): FilterRead {
  return { ok: false, rule };
}
