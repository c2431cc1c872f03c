/** Guarantee: what is read can be read in one way only, and never reaches a prototype (RFC 7493 §2). */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isJsonObject, ownMember, parseStrictJson } from './strict-json.ts';

describe('positive controls', () => {
  test('whatever JSON.stringify writes is read as JSON.parse reads it', () => {
    fc.assert(
      fc.property(fc.json({ stringUnit: 'grapheme', maxDepth: 6 }), (text) => {
        expect(parseStrictJson(text)).toEqual(JSON.parse(text));
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    '0',
    '-0',
    '"x"',
    'null',
    'true',
    '[]',
    '{}',
    ' {"a" : [ 1 , { "a" : 2 } ] } ',
    '"\\ud83d\\ude00"',
  ])('reads %s', (text) => {
    expect(parseStrictJson(text)).toEqual(JSON.parse(text));
  });

  test('quotes, colons, braces and backslashes inside of texts are text', () => {
    for (const text of ['":"', '{}[]', '\\', '\\"', '"', ':', '\\\\"', '{"a":1,"a":2}']) {
      const json = JSON.stringify({ [text]: text, list: [text] });
      expect(parseStrictJson(json)).toEqual({ [text]: text, list: [text] });
    }
  });
});

test('a duplicate of any member at any level is refused, however it is escaped', () => {
  const name = fc.string({ maxLength: 6 });
  const escaped = (text: string) =>
    `"${[...text.split('')].map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')}"`;
  const wrap = fc.constantFrom(
    (inner: string) => inner,
    (inner: string) => `[0,${inner}]`,
    (inner: string) => `{"outer":${inner}}`,
    (inner: string) => `[{"a":"b"},[[${inner}]]]`,
  );
  fc.assert(
    fc.property(name, wrap, fc.json({ maxDepth: 2 }), (member, around, value) => {
      if (!member.isWellFormed()) return;
      const second = value.length % 2 === 0 ? escaped(member) : JSON.stringify(member);
      const single = around(`{${JSON.stringify(member)}:${value}}`);
      expect(parseStrictJson(single)).toEqual(JSON.parse(single));
      const double = around(`{${JSON.stringify(member)}:1,${second}:${value}}`);
      expect(() => JSON.parse(double)).not.toThrow();
      expect(parseStrictJson(double)).toBeUndefined();
    }),
    { numRuns: 1000 },
  );
});

test('any text at all: refused, or read as JSON.parse reads it', () => {
  const unit = fc.constantFrom(...'{}[]":,\\u0123456789abtrue nl.-+eE\n');
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 24 }), (text) => {
      const value = parseStrictJson(text);
      if (value !== undefined) expect(value).toEqual(JSON.parse(text));
    }),
    { numRuns: 5000 },
  );
});

describe('refuses', () => {
  test.each([
    ['nothing', ''],
    ['a truncated object', '{"a":1'],
    ['an unclosed text', '{"a'],
    ['a text that ends in a backslash', '"\\'],
    ['a byte-order mark', '\ufeff{}'],
    ['a second value', '{}{}'],
    ['a lone surrogate as it is', '"\ud800"'],
    ['a lone surrogate, escaped', '"\\udc00"'],
    ['surrogates in the wrong order', '"\\ude00\\ud83d"'],
    ['a lone surrogate in a name', '{"\\ud800":1}'],
    ['infinity', '1e400'],
    ['infinity in a list', '[1,[-1e400]]'],
    ['infinity in an object', '{"a":{"b":1e999}}'],
    ['NaN', 'NaN'],
    ['a duplicate __proto__', '{"__proto__":1,"__proto__":2}'],
    ['a control character', '"\u0001"'],
  ])('%s', (_, text) => {
    expect(parseStrictJson(text)).toBeUndefined();
  });

  test('nesting beyond the limit, which counts arrays and objects alike', () => {
    const nested = (depth: number) => `${'[{"a":'.repeat(depth / 2)}1${'}]'.repeat(depth / 2)}`;
    expect(parseStrictJson(nested(4), 4)).toBeDefined();
    expect(parseStrictJson(nested(6), 5)).toBeUndefined();
    expect(parseStrictJson('[]', 0)).toBeUndefined();
    expect(parseStrictJson('1', 0)).toBe(1);
    expect(parseStrictJson('['.repeat(1_000_000))).toBeUndefined();
    // Brackets inside of a text are no nesting.
    expect(parseStrictJson(JSON.stringify('['.repeat(100)), 0)).toBeDefined();
  });
});

describe('names that mean something to JavaScript', () => {
  test('__proto__ is an own member like any other and pollutes nothing', () => {
    const value = parseStrictJson('{"__proto__":{"admin":true},"constructor":{"prototype":{}}}');
    if (!isJsonObject(value)) throw new Error('no object');
    expect(Object.keys(value)).toEqual(['__proto__', 'constructor']);
    expect(ownMember(value, '__proto__')).toEqual({ admin: true });
    expect(({} as Record<string, unknown>).admin).toBeUndefined();
  });

  test('ownMember does not find what a prototype has', () => {
    for (const name of ['toString', 'constructor', '__proto__', 'hasOwnProperty', 'missing']) {
      expect(ownMember({ present: 1 }, name)).toBeUndefined();
    }
    expect(ownMember({ toString: 'own' }, 'toString')).toBe('own');
  });

  test('isJsonObject is neither null nor a list', () => {
    expect([null, [], 1, 'x', undefined, {}].map((value) => isJsonObject(value))).toEqual([
      ...[false, false, false, false, false, true],
    ]);
  });
});
