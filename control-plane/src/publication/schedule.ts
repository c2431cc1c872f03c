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

/**
 * The alarm that an alarm leaves behind before it does anything: if it ends without having set the next
 * one (a crash), what was acknowledged waits for this and not for a heartbeat.
 */
export function alarmAfterCrash(now: UnixMilliseconds, heartbeat: number): UnixMilliseconds {
  return unixMilliseconds(now + Math.min(heartbeat, AFTER_CRASH_MILLISECONDS));
}

/** Not at once: what ends a process in the middle of an alarm may do so again. */
const AFTER_CRASH_MILLISECONDS = 5000;

/** How soon a row that waits is looked for again: the database's clock may be behind. */
const EFFECT_MILLISECONDS_MIN = 2000;
/** The database tells whole seconds: a row may take effect at the very end of the one it named. */
const EFFECT_GRACE_MILLISECONDS = 1000;

/**
 * The next alarm: as soon as allowed if something waits or failed; else when a row takes effect
 * (`effectAt`, by the database's clock), and at the next heartbeat at the latest.
 */
export function nextAlarm(situation: {
  readonly now: UnixMilliseconds;
  readonly earliest: UnixMilliseconds;
  readonly heartbeat: number;
  readonly isWorkWaiting: boolean;
  readonly effectAt?: UnixMilliseconds;
}): UnixMilliseconds {
  const { now, earliest, heartbeat, isWorkWaiting, effectAt } = situation;
  if (isWorkWaiting) return unixMilliseconds(Math.max(now, earliest));
  const heartbeatAt = now + heartbeat;
  if (effectAt === undefined) return unixMilliseconds(heartbeatAt);
  const lookAt = Math.max(
    earliest,
    effectAt + EFFECT_GRACE_MILLISECONDS,
    now + EFFECT_MILLISECONDS_MIN,
  );
  return unixMilliseconds(Math.min(heartbeatAt, lookAt));
}
