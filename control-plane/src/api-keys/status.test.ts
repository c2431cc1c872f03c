import { unixMilliseconds } from '@cardea/shared/time';
import { expect, test } from 'vitest';
import { statusOf } from './status.ts';

const at = unixMilliseconds;

test.each([
  ['an active key without expiry', { state: 'active' }, 'active'],
  ['the last millisecond', { state: 'active', expireTime: at(1001) }, 'active'],
  ['the moment of expiry', { state: 'active', expireTime: at(1000) }, 'expired'],
  ['after it', { state: 'active', expireTime: at(999) }, 'expired'],
  ['a revoked key, whatever its expiry', { state: 'revoked', expireTime: at(1) }, 'revoked'],
] as const)('%s', (_, key, status) => expect(statusOf(key, at(1000))).toBe(status));
