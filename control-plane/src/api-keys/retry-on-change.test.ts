import { expect, test } from 'vitest';
import { CHANGE_ATTEMPTS_MAX } from '../limits.ts';
import { retryOnChange } from './retry-on-change.ts';

/** An attempt that is overtaken so many times, and counts how often it is made. */
function overtaken(times: number) {
  let attempts = 0;
  const attempt = async () => ({ outcome: ++attempts <= times ? 'changed_meanwhile' : 'done' });
  return { attempt, attempts: () => attempts };
}

test.each([
  [0, 'done', 1],
  [1, 'done', 2],
  [CHANGE_ATTEMPTS_MAX - 1, 'done', CHANGE_ATTEMPTS_MAX],
  [CHANGE_ATTEMPTS_MAX, 'changed_meanwhile', CHANGE_ATTEMPTS_MAX],
  [Number.POSITIVE_INFINITY, 'changed_meanwhile', CHANGE_ATTEMPTS_MAX],
])('overtaken %d times: %s after %d attempts', async (times, outcome, expected) => {
  const { attempt, attempts } = overtaken(times);
  expect(await retryOnChange(attempt)).toEqual({ outcome });
  expect(attempts()).toBe(expected);
});

test('a failure is not tried again', async () => {
  const failure = new Error('outage');
  await expect(retryOnChange(() => Promise.reject(failure))).rejects.toBe(failure);
});
