/**
 * The filter of a listing: `clause (AND clause)*`, where a clause is `actor_id="…"`, `actor_id=word`
 * or `status=KEY_STATUS_…` (a small part of AIP-160). The parser is linear in the text; its result is
 * bound as parameters and never becomes SQL text. No I/O.
 */

import { FILTER_ACTOR_LENGTH_MAX, FILTER_LENGTH_MAX } from '../limits.ts';
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

interface Clause {
  readonly field: string;
  readonly value: string;
  readonly end: number;
}

export function parseFilter(text: string): FilterRead {
  if (text.length > FILTER_LENGTH_MAX) {
    return broken(`must have at most ${FILTER_LENGTH_MAX} characters`);
  }
  if (text.trim() === '') return { ok: true, filter: {} };
  const values = new Map<string, string>();
  let position = 0;
  for (;;) {
    const clause = readClause(text, position);
    if (clause === undefined) return broken('must be clauses like actor_id="…" joined by AND');
    if (values.has(clause.field)) return broken('names a field twice');
    values.set(clause.field, clause.value);
    if (text.slice(clause.end).trim() === '') return toFilter(values);
    const next = readAnd(text, clause.end);
    if (next === undefined) return broken('joins clauses by something else than AND');
    position = next;
  }
}

const FIELD = /\s*([a-z_]+)\s*=\s*/y;
const QUOTED = /"((?:[^"\\]|\\["\\])*)"/y;
const WORD = /[^\s"'()\\=<>!,]+/y;
const AND = /\s+AND\s+/iy;

function readClause(text: string, position: number): Clause | undefined {
  const field = matchAt(FIELD, text, position);
  if (field === undefined) return undefined;
  const name = field[1] ?? '';
  const start = position + field[0].length;
  const quoted = matchAt(QUOTED, text, start);
  if (quoted !== undefined) {
    const value = (quoted[1] ?? '').replace(/\\(.)/g, '$1');
    return { field: name, value, end: start + quoted[0].length };
  }
  const word = matchAt(WORD, text, start);
  if (word === undefined) return undefined;
  return { field: name, value: word[0], end: start + word[0].length };
}

function readAnd(text: string, position: number): number | undefined {
  const and = matchAt(AND, text, position);
  return and === undefined ? undefined : position + and[0].length;
}

function matchAt(pattern: RegExp, text: string, position: number): RegExpExecArray | undefined {
  pattern.lastIndex = position;
  return pattern.exec(text) ?? undefined;
}

function toFilter(values: ReadonlyMap<string, string>): FilterRead {
  let filter: KeyFilter = {};
  for (const [field, value] of values) {
    switch (field) {
      case 'actor_id':
        if (value.length > FILTER_ACTOR_LENGTH_MAX)
          return broken('has an actor_id that is too long');
        filter = { ...filter, actorId: value };
        break;
      case 'status': {
        const status = STATUSES.get(value);
        if (status === undefined) return broken('has an unknown status');
        filter = { ...filter, status };
        break;
      }
      default:
        return broken('has an unknown field');
    }
  }
  return { ok: true, filter };
}

function broken(rule: string): FilterRead {
  return { ok: false, rule };
}
