import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FILTER_LENGTH_MAX } from '../limits.ts';
import { parseFilter } from './filter.ts';

describe('a filter', () => {
  test.each([
    ['', {}],
    ['   ', {}],
    ['actor_id=alice', { actorId: 'alice' }],
    ['actor_id="alice b"', { actorId: 'alice b' }],
    ['actor_id = "x"', { actorId: 'x' }],
    ['actor_id="a \\"quoted\\" \\\\ one"', { actorId: 'a "quoted" \\ one' }],
    ['actor_id="x AND status=KEY_STATUS_REVOKED"', { actorId: 'x AND status=KEY_STATUS_REVOKED' }],
    ['actor_id=""', { actorId: '' }],
    ['status=KEY_STATUS_ACTIVE', { status: 'active' }],
    ['status=KEY_STATUS_REVOKED', { status: 'revoked' }],
    ['status=KEY_STATUS_EXPIRED', { status: 'expired' }],
    ['status=KEY_STATUS_DISABLED', { status: 'disabled' }],
    ['actor_id=a AND status=KEY_STATUS_ACTIVE', { actorId: 'a', status: 'active' }],
    ['status=KEY_STATUS_ACTIVE and actor_id="a"', { actorId: 'a', status: 'active' }],
    [`actor_id=${'a'.repeat(256)}`, { actorId: 'a'.repeat(256) }],
    ['actor_id=user:1-2.x@y', { actorId: 'user:1-2.x@y' }],
  ])('%j means %j', (text, filter) => expect(parseFilter(text)).toEqual({ ok: true, filter }));

  test.each([
    ['a field twice', 'actor_id=a AND actor_id=b', 'names a field twice'],
    ['an unknown field', 'name=x', 'has an unknown field'],
    ['a field in other letters', 'ACTOR_ID=x', 'must be clauses like field="…" joined by AND'],
    ['an unknown status', 'status=KEY_STATUS_UNSPECIFIED', 'has an unknown status'],
    ['a status by number', 'status=1', 'has an unknown status'],
    ['OR', 'actor_id=a OR actor_id=b', 'joins clauses by something else than AND'],
    ['no join', 'actor_id=a status=KEY_STATUS_ACTIVE', 'joins clauses by something else than AND'],
    [
      'no space before AND',
      'actor_id="a"AND status=KEY_STATUS_ACTIVE',
      'joins clauses by something else than AND',
    ],
    ['an open quote', 'actor_id="a', 'must be clauses like field="…" joined by AND'],
    ['an unknown escape', 'actor_id="\\n"', 'must be clauses like field="…" joined by AND'],
    ['no value', 'actor_id=', 'must be clauses like field="…" joined by AND'],
    ['no field', '="a"', 'must be clauses like field="…" joined by AND'],
    ['another operator', 'actor_id!=a', 'must be clauses like field="…" joined by AND'],
    ['a comparison', 'actor_id>=a', 'must be clauses like field="…" joined by AND'],
    ['a trailing AND', 'actor_id=a AND ', 'must be clauses like field="…" joined by AND'],
    ['a leading AND', 'AND actor_id=a', 'must be clauses like field="…" joined by AND'],
    ['brackets', '(actor_id=a)', 'must be clauses like field="…" joined by AND'],
    ['NOT', 'NOT actor_id=a', 'must be clauses like field="…" joined by AND'],
    ['a word with a quote', "actor_id=a'b", 'joins clauses by something else than AND'],
    ['SQL', 'actor_id=a; DROP TABLE api_keys', 'joins clauses by something else than AND'],
    ['a prototype', '__proto__=a', 'has an unknown field'],
    ['too long an actor', `actor_id=${'a'.repeat(257)}`, 'has an actor_id that is too long'],
  ])('refuses %s', (_, text, rule) => expect(parseFilter(text)).toEqual({ ok: false, rule }));

  test('ends at its limit', () => {
    const open = 'actor_id="x"';
    expect(parseFilter(open + ' '.repeat(FILTER_LENGTH_MAX - open.length)).ok).toBe(true);
    expect(parseFilter(open + ' '.repeat(FILTER_LENGTH_MAX - open.length + 1)).ok).toBe(false);
  });

  test('gives back any actor that is quoted', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 120, unit: 'binary' }), (actorId) => {
        const quoted = actorId.replace(/["\\]/g, '\\$&');
        expect(parseFilter(`actor_id="${quoted}"`)).toEqual({ ok: true, filter: { actorId } });
      }),
    );
  });

  test('answers every text with a filter or a rule', () => {
    const piece = fc.constantFrom('actor_id', 'status', '=', '"', '\\', ' ', 'AND', 'OR', 'a', '(');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const read = parseFilter(pieces.join(''));
        expect(read.ok || read.rule.length > 0).toBe(true);
      }),
      { numRuns: 5000 },
    );
  });
});
