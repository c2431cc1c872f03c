/** Every error code has its page, and the page says what the code really answers. */

import { expect, test } from 'vitest';
import { ERROR_CODES, examplesOf, headOf, NOT_OF_THE_EDGE } from './error-pages.ts';
import { listFiles, readText } from './source-files.ts';

const pageOf = (code: string) => readText(`docs/errors/${code}.md`);

/** Requests are answered by the edge; what no code of its own names, it answers to nobody. */
const edge = listFiles('edge-worker/src', /^(?!.*\.test\.ts$).*\.ts$/)
  .map(readText)
  .join('\n');

test('there is a page for each code, and for nothing else', () => {
  const pages = listFiles('docs/errors', /\.md$/).map((path) =>
    path.slice('docs/errors/'.length, -3),
  );
  expect(pages.sort()).toEqual([...ERROR_CODES]);
  expect(pages.length).toBeGreaterThan(60);
});

test('docs/errors.md leads to each page', () => {
  const text = readText('docs/errors.md');
  expect(ERROR_CODES.filter((code) => !text.includes(`](errors/${code}.md)`))).toEqual([]);
});

test.each(ERROR_CODES)(
  '%s: names, statuses and examples are those of the catalogues',
  async (code) => {
    const page = pageOf(code);
    expect(page.slice(0, headOf(code).length)).toBe(headOf(code));
    const shown = [...page.matchAll(/```json\n([\s\S]*?)```/g)].map(([, json = '']) =>
      JSON.parse(json),
    );
    const examples = await examplesOf(code);
    expect(shown.slice(0, examples.length)).toEqual(examples);
    const others = shown.slice(examples.length);
    if (others.length > 0)
      expect(others).toEqual([{ error: code, error_description: expect.any(String) }]);
  },
);

test.each(ERROR_CODES)('%s: says what it means, when it happens and what to do', (code) => {
  expect(pageOf(code)).toMatch(
    /\n\n[A-Z`].*\.\n\n## When\n\n- .*\n(?:- .*\n)*\n## What to do\n\n- \*\*Client\*\*: /,
  );
});

test('what the pages call unknown to the edge, the edge does not name', () => {
  expect(NOT_OF_THE_EDGE.filter((reason) => edge.includes(`'${reason}'`))).toEqual([]);
});
