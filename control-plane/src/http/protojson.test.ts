import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  extendedDuration,
  firstBrokenRule,
  protoDuration,
  protoEnum,
  protoInt64,
  protoMessage,
  protoString,
  protoStruct,
} from './protojson.ts';

const COLOURS = { COLOUR_UNSPECIFIED: 'none', COLOUR_RED: 'red' } as const;

const Message = protoMessage({
  a_name: protoString({ min: 1, max: 3 }).optional(),
  colour: protoEnum(COLOURS).optional(),
  big_number: protoInt64().optional(),
  window: protoDuration().optional(),
  ttl: extendedDuration().optional(),
  metadata: protoStruct({ bytesMax: 20 }).optional(),
  nested: protoMessage({ deep_name: protoString({ min: 0, max: 5 }) }).optional(),
  texts: z.array(protoString({ min: 1, max: 2 })).optional(),
});

function read(value: unknown): unknown {
  const parsed = Message.safeParse(value);
  return parsed.success ? parsed.data : firstBrokenRule(parsed.error);
}

describe('a message', () => {
  test.each([
    ['snake_case', { a_name: 'x' }, { a_name: 'x' }],
    ['lowerCamelCase', { aName: 'x', bigNumber: 1 }, { a_name: 'x', big_number: '1' }],
    ['nested in either', { nested: { deepName: 'x' } }, { nested: { deep_name: 'x' } }],
    ['unknown members', { a_name: 'x', other: 1, ANAME: 2 }, { a_name: 'x' }],
    ['null as absent', { a_name: null, colour: null, nested: null, metadata: null }, {}],
    ['nothing', {}, {}],
  ])('takes %s', (_, value, message) => expect(read(value)).toEqual(message));

  test.each([['text'], [1], [true], [null], [[]], [[{}]]])('refuses %j in its place', (value) =>
    expect(read(value)).toBe('must be a JSON object'),
  );

  test('reads own members alone', () => {
    expect(read(Object.create({ a_name: 'x' }))).toEqual({});
    expect(read(JSON.parse('{"__proto__":{"a_name":"x"}}'))).toEqual({});
    const Hostile = protoMessage({ constructor: protoString({ min: 0, max: 9 }).optional() });
    expect(Hostile.parse({})).toEqual({});
  });
});

describe('a string', () => {
  test('is measured in code points', () => {
    expect(read({ a_name: '😀😀😀' })).toEqual({ a_name: '😀😀😀' });
    expect(read({ a_name: 'abcd' })).toBe('a_name: must have 1 to 3 characters');
    expect(read({ a_name: '' })).toBe('a_name: must have 1 to 3 characters');
  });

  test.each([[1], [true], [{}], [[]]])('is not %j', (value) =>
    expect(read({ a_name: value })).toBe('a_name: must be a string'),
  );

  test('is named with its place when it is missing or wrong', () => {
    expect(read({ nested: {} })).toBe('nested.deep_name: is required');
    expect(read({ texts: ['a', ''] })).toBe('texts.1: must have 1 to 2 characters');
  });
});

describe('an enum', () => {
  test.each([
    ['COLOUR_RED', 'red'],
    [1, 'red'],
    [0, 'none'],
  ])('takes %j', (value, colour) => expect(read({ colour: value })).toEqual({ colour }));

  test.each([
    ...['RED', 'colour_red', 'COLOUR_BLUE', '11184809', '1', '', '__proto__', 'toString'],
    ...[2, -1, 0.5, 1e9, true, {}, ['COLOUR_RED']],
  ])('refuses %j', (value) =>
    expect(read({ colour: value })).toBe('colour: is not a value of this enum'),
  );
});

describe('an int64', () => {
  test('keeps every value that comes as text', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        expect(read({ big_number: String(value) })).toEqual({ big_number: String(value) });
      }),
    );
  });

  test.each([
    ...['9223372036854775808', '-9223372036854775809', '1.5', '', ' 1', '1e3', '0x1', '١'],
    ...[1.5, 2 ** 53, true, {}, []],
  ])('refuses %j', (value) =>
    expect(read({ big_number: value })).toBe('big_number: must be an integer of 64 bits'),
  );

  test('is written in one way', () =>
    expect(read({ big_number: '-007' })).toEqual({ big_number: '-7' }));
});

describe('durations and structs', () => {
  test.each([
    [{ window: '60s' }, { window: 60 }],
    [{ ttl: '1h30m' }, { ttl: 5400 }],
    [{ metadata: { a: [1, { b: null }] } }, { metadata: { a: [1, { b: null }] } }],
  ])('takes %j', (value, message) => expect(read(value)).toEqual(message));

  test.each([
    [{ window: '1h' }, 'window: must be a duration like "60s"'],
    [{ window: 60 }, 'window: must be a duration like "60s"'],
    [{ ttl: 60 }, 'ttl: must be a duration like "60s", "24h" or "90d"'],
    [{ ttl: '60' }, 'ttl: must be a duration like "60s", "24h" or "90d"'],
    [{ metadata: [] }, 'metadata: must be a JSON object'],
    [{ metadata: 'x' }, 'metadata: must be a JSON object'],
    [{ metadata: { a: 'ééééééé' } }, 'metadata: must have at most 20 bytes as JSON'],
  ])('refuses %j', (value, rule) => expect(read(value)).toBe(rule));
});

test('no message about a refusal quotes what was sent', () => {
  const canary = 'kanarienvogel';
  for (const field of ['a_name', 'colour', 'big_number', 'window', 'ttl', 'metadata', 'texts']) {
    for (const value of [canary, { [canary]: canary.repeat(9) }, [canary], [[canary]]]) {
      const message = read({ [field]: value });
      if (typeof message === 'string') expect(message).not.toContain(canary);
    }
  }
});
