/**
 * Notes that keys were used, off the hot path: at most one write a key and minute, none that a
 * request waits for. `last_used_time` is exact to the minute.
 */

import type { UnixMilliseconds } from '@cardea/shared/time';
import type { ApiKey } from './api-key.ts';

export interface KeyUse {
  readonly tenantId: string;
  readonly keyId: string;
  readonly usedAt: UnixMilliseconds;
}

export interface LastUsedRecorder {
  /** Returns at once and never throws. `usedAt` is the database's clock. */
  used(key: ApiKey, usedAt: UnixMilliseconds): void;
}
