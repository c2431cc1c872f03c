/** Where a key is in its life. Computed, never stored: time alone expires a key. */

import type { UnixMilliseconds } from '@cardea/shared/time';
import type { ApiKey } from './api-key.ts';

export type KeyStatus = 'active' | 'revoked' | 'expired';

/** A key is expired from `expireTime` on, to the millisecond. `now` is the database's clock. */
export function statusOf(
  key: Pick<ApiKey, 'state' | 'expireTime'>,
  now: UnixMilliseconds,
): KeyStatus {
  if (key.state === 'revoked') return 'revoked';
  return key.expireTime !== undefined && key.expireTime <= now ? 'expired' : 'active';
}
