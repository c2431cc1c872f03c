/** The documents call commands that exist, with options that these commands take. */

import { COMMANDS } from '@cardea/cli/commands/all';
import { renderHelp } from '@cardea/cli/commands/help';
import { expect, test } from 'vitest';
import { listFiles, readText } from './source-files.ts';

const documents = [...listFiles('docs', /\.md$/), 'README.md', 'SECURITY.md', 'CONTRIBUTING.md'];

/** What stands behind `npx cardea` or `cardea`, in a line of shell or in passing. */
const calls = documents.flatMap((path) =>
  [...readText(path).matchAll(/(?:`|\$\(|^ *|; )(?:npx )?cardea ([a-z][^`\n|>)]*)/gm)].map(
    ([, call = '']) => ({ path, words: call.trim().split(/\s+/) }),
  ),
);

const commandOf = (words: readonly string[]) =>
  COMMANDS.find((command) => command.words.every((word, i) => word === words[i]));

test('each command exists', () => {
  expect(calls.length).toBeGreaterThan(20);
  const unknown = calls.filter(({ words }) => words[0] !== 'help' && !commandOf(words));
  expect(unknown).toEqual([]);
});

test('each option is one of its command', () => {
  const wrong = calls.flatMap(({ path, words }) =>
    words
      .filter((word) => word.startsWith('--'))
      .map((word) => word.slice(2).split('=')[0] ?? '')
      .filter((name) => !commandOf(words)?.options.some((option) => option === name))
      .map((name) => `${path}: ${words.join(' ')}: --${name}`),
  );
  expect(wrong).toEqual([]);
});

test('docs/commands.md shows what `cardea help` prints', () => {
  const [, shown] = /```\n([\s\S]*?)\n```/.exec(readText('docs/commands.md')) ?? [];
  expect(shown).toBe(renderHelp(COMMANDS).join('\n'));
});
