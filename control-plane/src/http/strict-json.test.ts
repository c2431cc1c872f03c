import { encodeUtf8 } from '@cardea/shared/bytes/utf8';
import { JSON_DEPTH_MAX } from '@cardea/shared/limits';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseStrictJson } from './strict-json.ts';

const read = (text: string) => parseStrictJson(encodeUtf8(text));
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

describe('strict JSON', () => {
  test('takes every JSON document of bounded depth as JSON.parse does', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 8, stringUnit: 'grapheme' }), (text) => {
        if (text.includes('\\u0000')) return;
        expect(read(text)).toEqual({ ok: true, value: JSON.parse(text) });
      }),
    );
  });

  test('takes the deepest nesting and refuses the next', () => {
    expect(read(nested(JSON_DEPTH_MAX)).ok).toBe(true);
    expect(read(nested(JSON_DEPTH_MAX + 1)).ok).toBe(false);
  });

  test('does not count brackets inside of strings', () => {
    expect(read(JSON.stringify('[{"'.repeat(100))).ok).toBe(true);
  });

  test.each([
    ['nothing', '', 'The body is not JSON.'],
    ['a word', 'undefined', 'The body is not JSON.'],
    ['two documents', '{}{}', 'The body is not JSON.'],
    ['a trailing comma', '{"a":1,}', 'The body is not JSON.'],
    ['a comment', '{}//', 'The body is not JSON.'],
    ['single quotes', "{'a':1}", 'The body is not JSON.'],
    ['a byte-order mark', '\ufeff{}', 'The body is not JSON.'],
    ['NaN', '{"a":NaN}', 'The body is not JSON.'],
    ['a lone high surrogate', '{"a":"\\ud800"}', 'A string has a lone surrogate.'],
    ['a lone low surrogate', '{"a":["\\udc00x"]}', 'A string has a lone surrogate.'],
    ['a lone surrogate in a name', '{"\\ud800":1}', 'A string has a lone surrogate.'],
    ['NUL', '{"a":"x\\u0000"}', 'A string has a NUL character.'],
    ['NUL in a name', '{"a\\u0000":1}', 'A string has a NUL character.'],
    ['an infinite number', '{"a":1e400}', 'A number is out of range.'],
    ['a negative infinite one', '[-1e400]', 'A number is out of range.'],
  ])('refuses %s', (_, text, rule) => expect(read(text)).toEqual({ ok: false, rule }));

  test('refuses what is not UTF-8', () => {
    const rule = 'The body is not UTF-8.';
    expect(parseStrictJson(Uint8Array.of(0x22, 0xff, 0x22))).toEqual({ ok: false, rule });
    // A surrogate in UTF-8 (CESU-8) is no UTF-8 either.
    expect(parseStrictJson(Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22)).ok).toBe(false);
  });

  test('refuses a depth bomb of a million brackets without deep recursion', () => {
    expect(read('['.repeat(1_000_000)).ok).toBe(false);
    expect(read('{"a":'.repeat(200_000)).ok).toBe(false);
  });

  test('leaves prototypes alone', () => {
    const json = read('{"__proto__":{"polluted":true},"constructor":{"prototype":{"x":1}}}');
    expect(json.ok && Object.hasOwn(json.value as object, '__proto__')).toBe(true);
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
  });
});
