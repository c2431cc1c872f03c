import { unixMilliseconds } from '@cardea/shared/time';
import { expect, test } from 'vitest';
import { endOfLife, statusOf } from './status.ts';

const at = unixMilliseconds;

test.each([
  ['an active key without expiry', { state: 'active' }, 'active'],
  ['the last millisecond', { state: 'active', expireTime: at(1001) }, 'active'],
  ['the moment of expiry', { state: 'active', expireTime: at(1000) }, 'expired'],
  ['after it', { state: 'active', expireTime: at(999) }, 'expired'],
  ['a revoked key, whatever its expiry', { state: 'revoked', expireTime: at(1) }, 'revoked'],
  ['a disabled key', { state: 'active', disableTime: at(1) }, 'disabled'],
  [
    'a disabled key that has expired',
    { state: 'active', disableTime: at(1), expireTime: at(1) },
    'expired',
  ],
  ['a disabled key that is revoked', { state: 'revoked', disableTime: at(1) }, 'revoked'],
  ['the last millisecond of an overlap', { state: 'active', overlapEndTime: at(1001) }, 'active'],
  ['the end of an overlap', { state: 'active', overlapEndTime: at(1000) }, 'revoked'],
  [
    'the end of an overlap, although the row is kept for longer',
    { state: 'active', overlapEndTime: at(1000), expireTime: at(5000) },
    'revoked',
  ],
] as const)('%s', (_, key, status) => expect(statusOf(key, at(1000))).toBe(status));

test.each([
  [{}, undefined],
  [{ expireTime: at(5) }, 5],
  [{ expireTime: at(5), overlapEndTime: at(3) }, 3],
] as const)('the life of %j ends at %s', (key, end) => expect(endOfLife(key)).toBe(end));
