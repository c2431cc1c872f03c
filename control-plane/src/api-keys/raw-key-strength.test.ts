import { expect, test } from 'vitest';
import { looksWeak } from './raw-key-strength.ts';

test.each([
  ['', true],
  ['x', true],
  ['hunter2', true],
  ['password12345', true],
  ['aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', true],
  ['abababababababababababababababab', true],
  ['0000000000000001', true],
  ['0f8fad5bd9cb469fa16570867728950e', false],
  ['0f8fad5b-d9cb-469f-a165-70867728950e', false],
  ['sk_live_4eC39HqLyjWDarjtT1zdp7dc', false],
  ['correct horse battery staple', false],
])('%j looks weak: %s', (text, isWeak) => {
  expect(looksWeak(text)).toBe(isWeak);
});
