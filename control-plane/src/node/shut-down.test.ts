/** Guarantee: whatever fails while a process stops, the rest of it is stopped all the same. */

import { expect, test } from 'vitest';
import { shutDown } from './shut-down.ts';

const stage = (name: string, run: () => Promise<unknown>) => ({ name, milliseconds: 50, run });

test('stages run in order, each when the one before has ended, however it ended', async () => {
  const order: string[] = [];
  const logged: unknown[] = [];
  const failed = await shutDown(
    [
      stage('first', async () => {
        await new Promise((resolve) => setTimeout(resolve, 10));
        order.push('first');
      }),
      stage('broken', async () => {
        order.push('broken');
        throw new RangeError('secret');
      }),
      stage('endless', () => {
        order.push('endless');
        return new Promise(() => {});
      }),
      stage('last', async () => order.push('last')),
    ],
    (level, event, fields) => logged.push([level, event, fields]),
  );
  expect(order).toEqual(['first', 'broken', 'endless', 'last']);
  expect(failed).toEqual(['broken', 'endless']);
  expect(logged).toEqual([
    ['error', 'stop_incomplete', { stage: 'broken', error: 'RangeError' }],
    ['error', 'stop_incomplete', { stage: 'endless', error: 'TimedOut' }],
  ]);
});
