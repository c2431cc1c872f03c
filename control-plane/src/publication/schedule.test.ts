import { unixMilliseconds } from '@cardea/shared/time';
import { describe, expect, test } from 'vitest';
import { alarmAfterCrash, earliestNextWrite, nextAlarm } from './schedule.ts';

const NOW = unixMilliseconds(1_800_000_000_000);

describe('the earliest next write', () => {
  const after = (failures: number, random = 1) =>
    earliestNextWrite({ endedAt: NOW, failures, heartbeat: 30_000, random }) - NOW;

  test('is a second after a success', () => expect(after(0)).toBe(1000));

  test('is later with each failure, up to a heartbeat', () => {
    expect([1, 2, 3, 4, 5, 6, 40].map((failures) => after(failures))).toEqual([
      1000, 2000, 4000, 8000, 16_000, 30_000, 30_000,
    ]);
  });

  test('is spread by half, but never under a second', () => {
    expect(after(3, 0)).toBe(2000);
    expect(after(1, 0)).toBe(1000);
  });
});

test.each([
  ['at the heartbeat when nothing waits', false, NOW + 500, NOW + 30_000],
  ['at the earliest time allowed when something waits', true, NOW + 500, NOW + 500],
  ['now when something waits and nothing forbids it', true, NOW - 500, NOW],
])('the next alarm is %s', (_, ...[isWorkWaiting, earliest, alarm]) => {
  const situation = { now: NOW, earliest: unixMilliseconds(earliest), heartbeat: 30_000 };
  expect(nextAlarm({ ...situation, isWorkWaiting })).toBe(alarm);
});

test.each([
  ['a second after a row takes effect', 10_000, NOW + 11_000],
  ['not at once: the database may be behind', -1000, NOW + 2000],
  ['at the heartbeat when the effect is later', 60_000, NOW + 30_000],
])('the next alarm is %s', (_, effectIn, alarm) => {
  const effectAt = unixMilliseconds(NOW + effectIn);
  const situation = { now: NOW, earliest: NOW, heartbeat: 30_000, isWorkWaiting: false, effectAt };
  expect(nextAlarm(situation)).toBe(alarm);
});

test('the alarm after a crash is much sooner than a heartbeat, and never later', () => {
  expect(alarmAfterCrash(NOW, 30_000)).toBe(NOW + 5000);
  expect(alarmAfterCrash(NOW, 1000)).toBe(NOW + 1000);
});
