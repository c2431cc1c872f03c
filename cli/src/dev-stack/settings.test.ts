/** Guarantee: a wrong setting stops the stack with one line that names all of them. */

import { expect, test } from 'vitest';
import { parseStackSettings } from './settings.ts';
import { StackFailed } from './stack-failed.ts';

test('without settings: the documented ports, the folder in the checkout', () => {
  const { ports, stateFolder, originUrl, hardSeconds } = parseStackSettings({});
  expect(ports).toEqual({ controlPlane: 4420, edge: 8787, origin: 8788 });
  expect(stateFolder).toMatch(/\/\.cardea$/);
  expect([originUrl, hardSeconds]).toEqual([undefined, undefined]);
});

test('every setting is taken over', () => {
  const settings = parseStackSettings({
    CONTROL_PLANE_PORT: '5001',
    EDGE_PORT: '5002',
    ORIGIN_PORT: '5003',
    FEED_HARD_SECONDS: '30',
    ORIGIN_URL: 'http://localhost:3000/api/',
    CARDEA_STATE_FOLDER: '/tmp/elsewhere',
  });
  expect(settings).toEqual({
    ports: { controlPlane: 5001, edge: 5002, origin: 5003 },
    hardSeconds: 30,
    originUrl: 'http://localhost:3000/api',
    stateFolder: '/tmp/elsewhere',
  });
});

const WRONG: ReadonlyArray<readonly [env: Record<string, string>, message: string]> = [
  [{ EDGE_PORT: '0' }, 'EDGE_PORT must be a number from 1 to 65535'],
  [{ EDGE_PORT: '65536' }, 'EDGE_PORT must be a number from 1 to 65535'],
  [{ EDGE_PORT: '80.5' }, 'EDGE_PORT must be a number from 1 to 65535'],
  [{ EDGE_PORT: '1e3' }, 'EDGE_PORT must be a number from 1 to 65535'],
  [{ FEED_HARD_SECONDS: '7' }, 'FEED_HARD_SECONDS must be a number from 8 to 86400'],
  [{ FEED_HARD_SECONDS: '-20' }, 'FEED_HARD_SECONDS must be a number from 8 to 86400'],
  [{ EDGE_PORT: '4420' }, 'CONTROL_PLANE_PORT, EDGE_PORT and ORIGIN_PORT must differ'],
  [{ ORIGIN_URL: 'localhost:3000' }, 'ORIGIN_URL must be an http or https URL'],
  [{ ORIGIN_URL: 'http://a/?b' }, 'ORIGIN_URL must be an http or https URL'],
  [{ ORIGIN_URL: 'http://a/$b' }, 'ORIGIN_URL must be an http or https URL'],
  [{ ORIGIN_URL: 'http://u:p@a/' }, 'ORIGIN_URL must be an http or https URL'],
  [{ ORIGIN_URL: 'http://localhost:8787' }, 'ORIGIN_URL must not be the edge itself'],
];

test.each(WRONG)('%j is refused', (env, message) => {
  expect(() => parseStackSettings(env)).toThrow(StackFailed);
  expect(() => parseStackSettings(env)).toThrow(message);
});

test('all problems are in one message, and no value is', () => {
  const env = { EDGE_PORT: 'leaked', ORIGIN_URL: 'leaked', FEED_HARD_SECONDS: 'leaked' };
  expect(() => parseStackSettings(env)).toThrow(
    /^EDGE_PORT.*; FEED_HARD_.*; ORIGIN_URL(?!.*leaked)/,
  );
});

test('the origin port may be any where the sample API does not run', () => {
  expect(() =>
    parseStackSettings({ ORIGIN_PORT: '8787', ORIGIN_URL: 'http://localhost:3000' }),
  ).not.toThrow();
});
