import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { Secret } from './secret.ts';

const canary = 'canary-4f1c';

test.each([
  ['a string', (secret: object) => `${secret}`],
  ['JSON', (secret: object) => JSON.stringify({ secret })],
  ['inspect', (secret: object) => inspect({ secret }, { showHidden: true, depth: 9 })],
  ['own members', (secret: object) => Object.entries(secret).join()],
  ['an error', (secret: object) => new Error('x', { cause: secret }).cause?.toString() ?? ''],
  ['a copy', (secret: object) => inspect(structuredClone(Object.assign({}, secret)))],
])('does not show up as %s', (_, show) => {
  expect(show(new Secret({ canary }))).not.toContain(canary);
});

test('reveals its value when asked', () => {
  expect(new Secret(canary).reveal()).toBe(canary);
});
