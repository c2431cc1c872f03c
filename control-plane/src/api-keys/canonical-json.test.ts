import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalJson } from './canonical-json.ts';

test('the order of members does not matter, that of elements does', () => {
  expect(canonicalJson({ b: [1, 2], a: { d: 1, c: 2 } })).toBe('{"a":{"c":2,"d":1},"b":[1,2]}');
  expect(canonicalJson([2, 1])).not.toBe(canonicalJson([1, 2]));
  expect(canonicalJson({ a: undefined })).toBe('{}');
});

test('two values have one text exactly if they are equal', () => {
  const value = fc.jsonValue({ maxDepth: 3 });
  fc.assert(
    fc.property(value, value, (a, b) => {
      expect(JSON.parse(canonicalJson(a))).toEqual(JSON.parse(JSON.stringify(a)));
      const areEqual = canonicalJson(a) === canonicalJson(b);
      expect(areEqual).toBe(canonicalJson(JSON.parse(canonicalJson(a))) === canonicalJson(b));
    }),
  );
});
