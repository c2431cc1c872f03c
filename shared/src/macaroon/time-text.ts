/**
 * Times of the caveat language: RFC 3339 `date-time` in UTC, in upper case and whole seconds, of the years
 * 1970 to 9999. A second has one text.
 */

import { type UnixSeconds, unixSeconds } from '../time.ts';

const LAST_SECOND = 253_402_300_799; // 9999-12-31T23:59:59Z

/** Empty for what is no second of these years. */
export function formatTime(atSeconds: UnixSeconds): string {
  const isInRange = Number.isInteger(atSeconds) && atSeconds >= 0 && atSeconds <= LAST_SECOND;
  return isInRange ? `${new Date(atSeconds * 1000).toISOString().slice(0, 19)}Z` : '';
}

const TIME = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$/;

/** The second, or `undefined` unless `text` is exactly what {@link formatTime} writes. No leap seconds. */
export function parseTime(text: string): UnixSeconds | undefined {
  if (!TIME.test(text)) return undefined;
  const [year, month, day] = [numberAt(text, 0, 4), numberAt(text, 5, 7), numberAt(text, 8, 10)];
  const [hour, minute, second] = [
    numberAt(text, 11, 13),
    numberAt(text, 14, 16),
    numberAt(text, 17, 19),
  ];
  const isDay = year >= 1970 && day >= 1 && day <= daysIn(year, month);
  if (!isDay || hour > 23 || minute > 59 || second > 59) return undefined;
  return unixSeconds(Date.UTC(year, month - 1, day, hour, minute, second) / 1000);
}

const ZERO = 0x30;

/** The number that the digits from `start` to before `end` are. */
function numberAt(text: string, start: number, end: number): number {
  let value = 0;
  for (let i = start; i < end; i++) value = value * 10 + text.charCodeAt(i) - ZERO;
  return value;
}

const DAYS: readonly number[] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** 0 for what is no month. */
function daysIn(year: number, month: number): number {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return month === 2 && isLeap ? 29 : (DAYS[month - 1] ?? 0);
}
