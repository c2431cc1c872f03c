/**
 * Reads a list filter: `clause (AND clause)*`, where a clause is a field, an operator and a value,
 * `actor_id="…"` or `time>=2026-01-01T00:00:00Z` (a small part of AIP-160). Linear in the text. What
 * fields and values mean is the caller's; none of it ever becomes SQL text. No I/O.
 */

import { FILTER_LENGTH_MAX } from './limits.ts';

export type Operator = '=' | '>=' | '<';

export interface Clause {
  readonly field: string;
  readonly operator: Operator;
  readonly value: string;
}

export type ClausesRead =
  | { readonly ok: true; readonly clauses: readonly Clause[] }
  /** `rule` is public text: what the filter broke, without quoting it. */
  | { readonly ok: false; readonly rule: string };

/** The rule that is broken by what is no clause. */
export const CLAUSE_FORM = 'must be clauses like field="…" joined by AND';

/** No field may stand twice with the same operator. */
export function readClauses(text: string): ClausesRead {
  if (text.length > FILTER_LENGTH_MAX) {
    return broken(`must have at most ${FILTER_LENGTH_MAX} characters`);
  }
  const clauses: Clause[] = [];
  let position = 0;
  while (text.slice(position).trim() !== '' || clauses.length > 0) {
    const clause = readClause(text, position);
    if (clause === undefined) return broken(CLAUSE_FORM);
    const { field, operator } = clause;
    if (clauses.some((one) => one.field === field && one.operator === operator)) {
      return broken('names a field twice');
    }
    clauses.push(clause);
    if (text.slice(clause.end).trim() === '') break;
    const next = readAnd(text, clause.end);
    if (next === undefined) return broken('joins clauses by something else than AND');
    position = next;
  }
  return { ok: true, clauses };
}

const HEAD = /\s*([a-z_]+)\s*(>=|=|<(?!=))\s*/y;
const QUOTED = /"((?:[^"\\]|\\["\\])*)"/y;
const WORD = /[^\s"'()\\=<>!,]+/y;
const AND = /\s+AND\s+/iy;

interface ClauseRead extends Clause {
  readonly end: number;
}

function readClause(text: string, position: number): ClauseRead | undefined {
  const head = matchAt(HEAD, text, position);
  if (head === undefined) return undefined;
  const [whole, field = '', operator = '='] = head;
  const start = position + whole.length;
  const named = { field, operator: operator as Operator };
  const quoted = matchAt(QUOTED, text, start);
  if (quoted !== undefined) {
    const value = (quoted[1] ?? '').replace(/\\(.)/g, '$1');
    return { ...named, value, end: start + quoted[0].length };
  }
  const word = matchAt(WORD, text, start);
  if (word === undefined) return undefined;
  return { ...named, value: word[0], end: start + word[0].length };
}

function readAnd(text: string, position: number): number | undefined {
  const and = matchAt(AND, text, position);
  return and === undefined ? undefined : position + and[0].length;
}

function matchAt(pattern: RegExp, text: string, position: number): RegExpExecArray | undefined {
  pattern.lastIndex = position;
  return pattern.exec(text) ?? undefined;
}

function broken(rule: string): ClausesRead {
  return { ok: false, rule };
}
