import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatDuration, parseDuration, parseExtendedDuration } from './duration.ts';

describe('a duration of protojson', () => {
  test.each([
    ['60s', 60],
    ['0s', 0],
    ['-5s', -5],
    ['1.5s', 1.5],
    ['0.000000001s', 1e-9],
    ['315360000s', 315_360_000],
  ])('%s is %d seconds', (text, seconds) => expect(parseDuration(text)).toBe(seconds));

  test.each([
    ...['', 's', '60', '1m', '24h', ' 60s', '60s ', '60 s', '+60s', '6e1s', '0x3cs', '.5s', '1.s'],
    ...['1.0000000001s', '1234567890123s', '--1s', '60S', 'NaNs', 'Infinitys', '١s'],
  ])('%j is none', (text) => expect(parseDuration(text)).toBeUndefined());
});

describe('a duration of ttl', () => {
  test.each([
    ['60s', 60],
    ['24h', 86_400],
    ['1h30m', 5400],
    ['1.5h', 5400],
    ['500ms', 0.5],
    ['1d', 86_400],
    ['1w', 604_800],
    ['1mo', 2_592_000],
    ['1y', 31_536_000],
    ['1y6mo', 31_536_000 + 6 * 2_592_000],
    ['1d12h', 129_600],
    ['1m1mo', 60 + 2_592_000],
    ['0h', 0],
    ['-1h', -3600],
  ])('%s is %d seconds', (text, seconds) => expect(parseExtendedDuration(text)).toBe(seconds));

  test.each([
    ...['', '-', 'h', '1', '1.5d', '1.5y', '1.5mo', '1.5w', '1 h', '1h 30m', '1h-30m', 'one hour'],
    ...['1Y', '1H', '1hh', '1h,30m', '1µ', '1h30', '--1h', '+1h', `${'1s'.repeat(40)}`],
  ])('%j is none', (text) => expect(parseExtendedDuration(text)).toBeUndefined());

  test('takes everything that protojson takes, with the same meaning', () => {
    fc.assert(
      fc.property(fc.integer({ min: -1e11, max: 1e11 }), (seconds) => {
        expect(parseExtendedDuration(`${seconds}s`)).toBe(parseDuration(`${seconds}s`));
      }),
    );
  });

  test('never throws, and never takes more than one reading', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0123456789.ymowdhsnuµ- ') }), (text) => {
        const seconds = parseExtendedDuration(text);
        if (seconds !== undefined) expect(Number.isFinite(seconds)).toBe(true);
      }),
      { numRuns: 5000 },
    );
  });
});

describe('a duration in an answer', () => {
  test.each([
    [60, '60s'],
    [0, '0s'],
    [1.5, '1.500s'],
    [0.000001, '0.000001s'],
    [1e-9, '0.000000001s'],
    [1000, '1000s'],
  ])('%d seconds are %s', (seconds, text) => expect(formatDuration(seconds)).toBe(text));

  test('is read back as what it was, to the millisecond', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 315_360_000_000 }), (milliseconds) => {
        const seconds = milliseconds / 1000;
        expect(parseDuration(formatDuration(seconds))).toBe(seconds);
      }),
    );
  });
});
