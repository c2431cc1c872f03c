/** Guarantee: no byte of the generator is handed out twice, or changed. */

import { expect, test } from 'vitest';
import { createRandomPool } from './random-pool.ts';

test('portions are what the generator gave, in its order, each byte at most once', () => {
  const drawn: Uint8Array[] = [];
  const random = createRandomPool((length) => {
    const bytes = Uint8Array.from({ length }, (_, i) => ((i + 7 * drawn.length) % 251) + 1);
    drawn.push(Uint8Array.from(bytes));
    return bytes;
  });
  const portions = Array.from({ length: 257 }, () => random(16));
  expect(portions.every((portion) => portion.length === 16)).toBe(true);
  expect(drawn.map((bytes) => bytes.length)).toEqual([4096, 4096]);
  const given = drawn.flatMap((bytes) => [...bytes]);
  expect(portions.flatMap((portion) => [...portion])).toEqual(given.slice(0, 257 * 16));
});

test('a portion shares no memory with the pool or with another', () => {
  const random = createRandomPool((length) => new Uint8Array(length).fill(7));
  const [first, second] = [random(16), random(16)];
  first.fill(0);
  expect(second).toEqual(new Uint8Array(16).fill(7));
  expect(first.buffer.byteLength).toBe(16);
});

test.each([0, 1, 4095, 4096, 4097, 100_000])('gives %i bytes when asked for them', (length) => {
  const random = createRandomPool((asked) => new Uint8Array(asked).fill(7));
  random(5);
  expect(random(length)).toEqual(new Uint8Array(length).fill(7));
});
