/** Files stay small enough to be read at one go. Biome holds functions and parameters to their limits. */

import { expect, test } from 'vitest';
import { readSources, type SourceFile } from './source-files.ts';

const LINES_MAX = 400;

function isTooLong({ text }: Pick<SourceFile, 'text'>): boolean {
  return text.trimEnd().split('\n').length > LINES_MAX;
}

test(`no source file has more than ${LINES_MAX} lines`, () => {
  const shipped = readSources().filter((file) => !file.isTest);
  expect(shipped.length).toBeGreaterThan(100);
  expect(shipped.filter(isTooLong).map((file) => file.path)).toEqual([]);
});

test('a planted long file is found, one at the limit is not', () => {
  const lines = (count: number) => ({ text: `${'x\n'.repeat(count)}` });
  expect([isTooLong(lines(LINES_MAX)), isTooLong(lines(LINES_MAX + 1))]).toEqual([false, true]);
});
