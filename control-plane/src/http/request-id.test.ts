import { expect, test } from 'vitest';
import { requestIdOf } from './request-id.ts';

const zeros = (length: number) => new Uint8Array(length);
const MADE = '00000000-0000-4000-8000-000000000000';
const idOf = (value?: string) =>
  requestIdOf(new Headers(value === undefined ? {} : { 'X-Request-ID': value }), zeros);

test.each(['abc', 'A-1_2.3:4@5/6+7=8~', 'x'.repeat(128)])('keeps %j', (sent) =>
  expect(idOf(sent)).toBe(sent),
);

test.each([
  undefined,
  '',
  'x'.repeat(129),
  'a b',
  'a"b',
  "a'b",
  'a\\b',
  'a,b',
  'a;b',
  '<b>',
  '{}',
  'é',
])('replaces %j', (sent) => expect(idOf(sent)).toBe(MADE));
