/** Which uses of keys are worth a write: the first one in each minute. */

import type { UnixMilliseconds } from '@cardea/shared/time';
import type { ApiKey } from './api-key.ts';

const MINUTE_MILLISECONDS = 60_000;

/** Whether the row says already that the key was used in this minute. */
export function isNoted(lastUsedTime: UnixMilliseconds | undefined, usedAt: UnixMilliseconds) {
  return lastUsedTime !== undefined && minuteOf(lastUsedTime) >= minuteOf(usedAt);
}

export function minuteOf(time: UnixMilliseconds): number {
  return Math.floor(time / MINUTE_MILLISECONDS);
}

/** Names a key among all tenants. Ids hold no slash. */
export function useKeyOf({ tenantId, keyId }: Pick<ApiKey, 'tenantId' | 'keyId'>): string {
  return `${tenantId}/${keyId}`;
}
