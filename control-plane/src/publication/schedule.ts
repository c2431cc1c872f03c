/** When the publisher writes next. Pure: time and randomness are arguments. */

import { type UnixMilliseconds, unixMilliseconds } from '@cardea/shared/time';

/** KV takes one write a second per key, and the head is one key. */
export const HEAD_WRITE_INTERVAL_MILLISECONDS = 1000;

const BACKOFF_MILLISECONDS = 1000;

/** No head is written before this: one a second after a success, exponentially later after failures. */
export function earliestNextWrite(attempt: {
  readonly endedAt: UnixMilliseconds;
  /** Failures in a row, 0 after a success. */
  readonly failures: number;
  readonly heartbeat: number;
  /** From 0 to 1: spreads the retries of many publishers. */
  readonly random: number;
}): UnixMilliseconds {
  const { endedAt, failures, heartbeat, random } = attempt;
  if (failures === 0) return unixMilliseconds(endedAt + HEAD_WRITE_INTERVAL_MILLISECONDS);
  const delay = Math.min(heartbeat, BACKOFF_MILLISECONDS * 2 ** Math.min(failures - 1, 10));
  // Between one half and all of it, but never sooner than KV takes another write.
  const jittered = Math.max(HEAD_WRITE_INTERVAL_MILLISECONDS, delay * (0.5 + random / 2));
  return unixMilliseconds(endedAt + jittered);
}

/** The next alarm: as soon as allowed if something waits or failed, else at the next heartbeat. */
export function nextAlarm(situation: {
  readonly now: UnixMilliseconds;
  readonly earliest: UnixMilliseconds;
  readonly heartbeat: number;
  readonly isWorkWaiting: boolean;
}): UnixMilliseconds {
  const { now, earliest, heartbeat, isWorkWaiting } = situation;
  if (isWorkWaiting) return unixMilliseconds(Math.max(now, earliest));
  return unixMilliseconds(now + heartbeat);
}
