import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseEventFilter } from './audit/filter.ts';
import { readClauses } from './filter-clauses.ts';

const at = (text: string) => Date.parse(text);

describe('audit events are filtered', () => {
  test.each([
    ['', {}],
    ['  ', {}],
    ['operation="api_key.revoke"', { operation: 'api_key.revoke' }],
    ['operation=api_key.revoke', { operation: 'api_key.revoke' }],
    [' target_id = "a b" ', { targetId: 'a b' }],
    ['caller_id="a\\"b\\\\c"', { callerId: 'a"b\\c' }],
    ['tenant_id=t AND target_id=k', { tenantId: 't', targetId: 'k' }],
    ['target_id=k and caller_id=c', { targetId: 'k', callerId: 'c' }],
    [
      'time>=2026-01-31T12:00:00Z AND time<"2026-02-01T00:00:00.5+01:00"',
      { since: at('2026-01-31T12:00:00Z'), until: at('2026-01-31T23:00:00.500Z') },
    ],
  ])('by %j', (text, filter) => {
    expect(parseEventFilter(text)).toEqual({ ok: true, filter });
  });

  test.each([
    ['an unknown field', 'seal="x"', 'has an unknown field'],
    ['__proto__', '__proto__="x"', 'has an unknown field'],
    ['a field twice', 'target_id=a AND target_id=b', 'names a field twice'],
    ['OR', 'target_id=a OR caller_id=b', 'joins clauses by something else than AND'],
    ['no AND', 'target_id=a caller_id=b', 'joins clauses by something else than AND'],
    ['nothing after AND', 'target_id=a AND ', 'must be clauses like field="…" joined by AND'],
    ['no value', 'target_id=', 'must be clauses like field="…" joined by AND'],
    ['no operator', 'target_id', 'must be clauses like field="…" joined by AND'],
    ['an open quote', 'target_id="a', 'must be clauses like field="…" joined by AND'],
    ['parentheses', '(target_id=a)', 'must be clauses like field="…" joined by AND'],
    ['another operator', 'target_id!=a', 'must be clauses like field="…" joined by AND'],
    ['<=', 'time<=2026-01-31T12:00:00Z', 'must be clauses like field="…" joined by AND'],
    ['a range of a text', 'target_id<a', 'compares target_id by something else than ='],
    [
      'one time exactly',
      'time=2026-01-31T12:00:00Z',
      'compares time by something else than >= and <',
    ],
    ['a day', 'time>=2026-01-31', 'has a time that is not like 2026-01-31T12:00:00Z'],
    [
      'a time without zone',
      'time>=2026-01-31T12:00:00',
      'has a time that is not like 2026-01-31T12:00:00Z',
    ],
    [
      'a 13th month',
      'time>=2026-13-01T12:00:00Z',
      'has a time that is not like 2026-01-31T12:00:00Z',
    ],
    [
      'a 25th hour',
      'time>=2026-01-01T25:00:00Z',
      'has a time that is not like 2026-01-31T12:00:00Z',
    ],
    ['too much', `target_id=${'a'.repeat(500)}`, 'must have at most 500 characters'],
  ])('but not by %s', (_, text, rule) => {
    expect(parseEventFilter(text)).toEqual({ ok: false, rule });
  });
});

test('any text is read or refused, and what is read is what was written', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 100 }), (value) => {
      const quoted = value.replace(/["\\]/g, '\\$&');
      expect(readClauses(`a="${quoted}"`)).toEqual({
        ok: true,
        clauses: [expect.objectContaining({ field: 'a', operator: '=', value })],
      });
      expect(typeof readClauses(value).ok).toBe('boolean');
    }),
  );
});
