/** The README shows what `npm start` prints; `test/e2e/start-stop.test.ts` runs what it prints. */

import { stateFolderOf } from '@cardea/cli/dev-stack/settings';
import { renderWalkthrough } from '@cardea/cli/dev-stack/walkthrough';
import { expect, test } from 'vitest';
import { readText } from './source-files.ts';

test('the README has the five commands of the walkthrough, as printed', () => {
  const printed = renderWalkthrough({
    controlPlaneUrl: 'http://127.0.0.1:4420',
    edgeUrl: 'http://127.0.0.1:8787',
    originUrl: 'http://127.0.0.1:8788',
    adminToken: 'unused',
    stateFolder: stateFolderOf({}),
  });
  const first = printed.findIndex((line) => line.startsWith('# 1.'));
  const last = printed.findIndex((line) => line.startsWith('Ctrl-C'));
  const commands = printed.slice(first, last).join('\n').trim();
  expect(commands.match(/^# \d\. /gm)).toHaveLength(5);
  const shown = /<!-- the walkthrough[^>]*-->\n```sh\n([\s\S]*?)\n```/.exec(readText('README.md'));
  expect(shown?.[1]).toBe(commands);
});
