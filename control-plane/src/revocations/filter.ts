/**
 * The filter of a list of revocations: `target`, `subject` and `status` with `=`, `create_time` with
 * `>=` and `<` (RFC 3339). No I/O.
 */

import { type UnixSeconds, unixSeconds } from '@cardea/shared/time';
import { CLAUSE_FORM, type Clause, readClauses } from '../filter-clauses.ts';
import { parseTimestamp } from '../timestamp.ts';
import { REVOCATION_SCOPES, type RevocationScope } from './revocation.ts';
import { REVOCATION_STATUSES, type RevocationStatus } from './status.ts';

export interface RevocationFilter {
  readonly target?: RevocationScope;
  readonly subject?: string;
  readonly status?: RevocationStatus;
  readonly since?: UnixSeconds;
  readonly until?: UnixSeconds;
}

export type RevocationFilterRead =
  | { readonly ok: true; readonly filter: RevocationFilter }
  /** `rule` is public text: what the filter broke, without quoting it. */
  | { readonly ok: false; readonly rule: string };

export function parseRevocationFilter(text: string): RevocationFilterRead {
  const read = readClauses(text);
  if (!read.ok) return read;
  let filter: RevocationFilter = {};
  for (const clause of read.clauses) {
    const part = partOf(clause);
    if (typeof part === 'string') return { ok: false, rule: part };
    filter = { ...filter, ...part };
  }
  return { ok: true, filter };
}

/** What a clause asks for, or the rule that it breaks. */
function partOf({ field, operator, value }: Clause): RevocationFilter | string {
  if (field === 'create_time') {
    if (operator === '=') return 'compares create_time by something else than >= and <';
    const time = parseTimestamp(value);
    if (time === undefined) return 'has a time that is not like 2026-01-31T12:00:00Z';
    // Rows are dated in whole seconds: one that was made at or after a fraction of one, after it.
    const seconds = unixSeconds(Math.ceil(time / 1000));
    return operator === '>=' ? { since: seconds } : { until: seconds };
  }
  if (operator !== '=') return CLAUSE_FORM;
  switch (field) {
    case 'subject':
      return { subject: value };
    case 'target': {
      const target = REVOCATION_SCOPES.find((scope) => scope === value);
      return target === undefined ? 'has an unknown target' : { target };
    }
    case 'status': {
      const status = REVOCATION_STATUSES.find((each) => each === value);
      return status === undefined ? 'has an unknown status' : { status };
    }
    default:
      return 'has an unknown field';
  }
}
