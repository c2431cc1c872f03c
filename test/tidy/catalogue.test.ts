/** Every refusal has a row in the documentation and a test that provokes it. */

import { REFUSALS } from '@cardea/shared/refusals';
import { expect, test } from 'vitest';
import { listFiles, PACKAGES, readText } from './source-files.ts';

const reasons = Object.keys(REFUSALS);
const documented = [
  ...readText('docs/errors.md').matchAll(/^\| \[`([a-z_]+)`\]\(errors\/\1\.md\) \|/gm),
].map(([, reason = '']) => reason);

test('docs/errors.md lists exactly the catalogue, each reason once', () => {
  const refusalRows = documented.filter((reason) => reasons.includes(reason));
  expect([...refusalRows].sort()).toEqual([...reasons].sort());
});

test('docs/errors.md states the status of each reason', () => {
  const text = readText('docs/errors.md');
  const wrong = Object.entries(REFUSALS).filter(
    ([reason, row]) => !text.includes(`\n| [\`${reason}\`](errors/${reason}.md) | ${row.status} |`),
  );
  expect(wrong.map(([reason]) => reason)).toEqual([]);
});

test('every reason is asserted by at least one test', () => {
  const tests = [...PACKAGES.map((name) => `${name}/src`), 'test']
    .flatMap((folder) => listFiles(folder, /(\.test\.ts|demo\.ts|forgeries\.ts|-table\.ts)$/))
    .filter((path) => !path.startsWith('test/tidy/'))
    .map(readText)
    .join('\n');
  expect(reasons.filter((reason) => !new RegExp(`['"\`]${reason}['"\`]`).test(tests))).toEqual([]);
});

test('every reason is used by shipped code', () => {
  const code = PACKAGES.flatMap((name) => listFiles(`${name}/src`, /^(?!.*\.test\.ts$).*\.ts$/))
    .filter((path) => path !== 'shared/src/refusals.ts')
    .map(readText)
    .join('\n');
  expect(reasons.filter((reason) => !code.includes(`'${reason}'`))).toEqual([]);
});
