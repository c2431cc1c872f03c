/**
 * The process's clock, for what needs no agreement with the database: durations in logs and the
 * expiry of page tokens. What decides about keys and tokens uses the database's clock instead.
 */

import { type UnixMilliseconds, unixMilliseconds } from '@cardea/shared/time';

export interface Clock {
  now(): UnixMilliseconds;
}

/** For composition roots. In Workers, time stands still between two I/O operations. */
export const systemClock: Clock = { now: () => unixMilliseconds(Date.now()) };
