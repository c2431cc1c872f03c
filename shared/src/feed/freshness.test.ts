import { describe, expect, test } from 'vitest';
import { refuse } from '../result.ts';
import { unixSeconds } from '../time.ts';
import { acceptHead, ageSeconds, isFresh } from './freshness.ts';
import { headOf } from './testing/feed-fixture.ts';

const NOW = unixSeconds(1_700_000_000);
const at = (seconds: number) => unixSeconds(NOW + seconds);
const RULE = { hardSeconds: 120, clockSkewSeconds: 60 };

test.each([
  ['just stamped', 0, true],
  ['one second below the bound', -119, true],
  ['at the bound', -120, false],
  ['beyond it', -121, false],
  ['ahead by the skew', 60, true],
  ['ahead by more', 61, false],
])('a head %s', (_, offset, fresh) => {
  const head = headOf({ issuedAtSeconds: at(offset) });
  expect(ageSeconds(head, NOW)).toBe(0 - offset);
  expect(isFresh(head, NOW, RULE)).toBe(fresh);
});

describe('a verified head', () => {
  const held = headOf({ seq: 10, issuedAtSeconds: at(-30) });
  const acceptance = { environmentId: 'test', nowSeconds: NOW, clockSkewSeconds: 60 };
  const next = (seq: number, offset: number) => headOf({ seq, issuedAtSeconds: at(offset) });

  test.each([
    ['the first one', undefined, next(1, 0), 'replace'],
    [
      'the first one, however old: its age decides what it is good for',
      undefined,
      next(1, -9e6),
      'replace',
    ],
    ['a higher seq', held, next(11, 0), 'replace'],
    ['a higher seq stamped by a clock that went back', held, next(11, -31), 'replace'],
    ['the same seq, stamped later', held, next(10, -29), 'replace'],
    ['the same head', held, held, 'keep'],
    ['the same seq, stamped earlier', held, next(10, -31), 'keep'],
    ['ahead of our clock by the skew', held, next(11, 60), 'replace'],
  ])('%s', (...[, before, head, verdict]) => {
    expect(acceptHead(before, head, acceptance)).toEqual({ ok: true, value: verdict });
  });

  test('is refused with a lower seq, whatever its stamp, and what is held stays', () => {
    const older = refuse('feed_stale', { rule: 'head_older' });
    expect(acceptHead(held, next(9, 0), acceptance)).toEqual(older);
    expect(acceptHead(held, next(9, -31), acceptance)).toEqual(older);
  });

  test.each([
    ['ahead of our clock by more than the skew', undefined, next(11, 61), 'head_in_future'],
    [
      'another environment',
      undefined,
      { ...next(11, 0), environmentId: 'Test' },
      'head_environment',
    ],
  ])('is refused: %s', (...[, before, head, rule]) => {
    expect(acceptHead(before, head, acceptance)).toEqual(refuse('feed_invalid', { rule }));
  });
});
