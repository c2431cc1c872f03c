/** Where a key is in its life. Computed, never stored: time alone expires a key. */

import type { UnixMilliseconds } from '@cardea/shared/time';
import type { ApiKey } from './api-key.ts';

export type KeyStatus = 'active' | 'revoked' | 'expired' | 'disabled';

/**
 * A key is expired from `expireTime` on, to the millisecond, and revoked from `overlapEndTime` on.
 * `now` is the database's clock.
 */
export function statusOf(
  key: Pick<ApiKey, 'state' | 'expireTime' | 'overlapEndTime' | 'disableTime'>,
  now: UnixMilliseconds,
): KeyStatus {
  const hasPassed = (time: UnixMilliseconds | undefined) => time !== undefined && time <= now;
  if (key.state === 'revoked' || hasPassed(key.overlapEndTime)) return 'revoked';
  if (hasPassed(key.expireTime)) return 'expired';
  return key.disableTime === undefined ? 'active' : 'disabled';
}

/**
 * When the key stops working by itself, unless it is ended before; absent for never. While an overlap
 * lasts that is its end: `expireTime` then says how long the row is kept, as for any revoked key.
 */
export function endOfLife(
  key: Pick<ApiKey, 'expireTime' | 'overlapEndTime'>,
): UnixMilliseconds | undefined {
  return key.overlapEndTime ?? key.expireTime;
}
