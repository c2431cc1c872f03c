/** Guarantee: an object is found wherever it is, and one that could not be looked for is not missing. */

import { expect, test } from 'vitest';
import { type FeedSource, FeedUnreadable } from './feed-source.ts';
import { withObjectsOf } from './object-sources.ts';

const outage = new FeedUnreadable('read_failed');
const bytes = new ArrayBuffer(1);
const has = { readObject: async () => bytes };
const lacks = { readObject: async () => undefined };
const fails = { readObject: () => Promise.reject(outage) };
const broken = { readObject: () => Promise.reject(new TypeError('a bug')) };
const heads: FeedSource = { readHead: async (seq) => `after ${seq}`, ...lacks };

test.each([
  ['the first that has it', [has, broken], bytes],
  ['the next, if the first has it not', [lacks, has], bytes],
  ['the next, if the first is away', [fails, has], bytes],
  ['nobody', [lacks, lacks], undefined],
])('an object comes from %s', async (_, objects, expected) => {
  expect(await withObjectsOf(heads, objects).readObject('x')).toBe(expected);
});

test.each([[[fails]], [[fails, lacks]], [[lacks, fails]]])(
  'it is not missing while one of them could not be asked',
  async (objects) => {
    await expect(withObjectsOf(heads, objects).readObject('x')).rejects.toBe(outage);
  },
);

test('a bug is no outage', async () => {
  await expect(withObjectsOf(heads, [broken, has]).readObject('x')).rejects.toBeInstanceOf(
    TypeError,
  );
});

test('heads are those of the lane, and hear of what is held', async () => {
  expect(await withObjectsOf(heads, [has]).readHead(7)).toBe('after 7');
});
