/**
 * Failed verifications and exchanges: every one is counted, a few a minute are recorded in the audit
 * log. Nothing here is waited for by the request that failed.
 */

import type { Refusal, RefusalReason } from '@cardea/shared/refusals';
import type { UnixMilliseconds } from '@cardea/shared/time';
import type { Clock } from '../clock.ts';
import { VERIFICATION_FAILURES_PER_MINUTE } from '../limits.ts';
import type { Log } from '../log.ts';
import type { Caller, MakeAuditEvent } from './audit-event.ts';
import type { AuditStore } from './store.ts';

export interface VerificationFailure {
  readonly tenantId: string;
  readonly during: 'verify' | 'exchange' | 'discharge';
  /** `client_id_mismatch`: a genuine key, presented under another id than its own. */
  readonly reason: RefusalReason | 'client_id_mismatch';
  /** Of a key that is known, from the refusal's evidence. Never anything of the credential. */
  readonly keyId?: string;
  readonly caller: Caller;
}

export interface FailureSampler {
  /** Returns at once and never throws. */
  failed(failure: VerificationFailure): void;
}

/** What a refusal tells of a failure. */
export function failureOf({
  reason,
  evidence,
}: Refusal): Pick<VerificationFailure, 'reason' | 'keyId'> {
  const keyId = evidence?.key_id;
  return typeof keyId === 'string' ? { reason, keyId } : { reason };
}

export interface FailureSamplerParts {
  readonly events: Pick<AuditStore, 'append'>;
  readonly auditEvent: MakeAuditEvent;
  /** Lets work go on after the answer, as Workers' `waitUntil` does. */
  readonly inBackground: (work: Promise<void>) => void;
  readonly clock: Clock;
  readonly log: Log;
}

const MINUTE_MILLISECONDS = 60_000;
/** Tenants whose unrecorded failures are remembered. Bounds memory. */
const TENANTS_MAX = 1000;

interface Minute {
  readonly startedAt: UnixMilliseconds;
  /** Events handed to the database since. */
  recorded: number;
  /** Failures since the last recorded one: the next event tells. */
  unrecorded: number;
}

/**
 * Asks the database at most so many times a minute and tenant; the database in turn holds the same
 * limit over all processes.
 */
export function createFailureSampler(parts: FailureSamplerParts): FailureSampler {
  const minutes = new Map<string, Minute>();
  return {
    failed(failure) {
      const minute = minuteOf(minutes, failure.tenantId, parts.clock.now());
      if (minute.recorded >= VERIFICATION_FAILURES_PER_MINUTE) {
        minute.unrecorded++;
        return;
      }
      minute.recorded++;
      parts.inBackground(record(parts, failure, minute));
    },
  };
}

function minuteOf(minutes: Map<string, Minute>, tenantId: string, now: UnixMilliseconds): Minute {
  const present = minutes.get(tenantId);
  const age = now - (present?.startedAt ?? 0);
  if (present !== undefined && age >= 0 && age < MINUTE_MILLISECONDS) return present;
  if (minutes.size >= TENANTS_MAX) minutes.clear();
  const minute = { startedAt: now, recorded: 0, unrecorded: present?.unrecorded ?? 0 };
  minutes.set(tenantId, minute);
  return minute;
}

/** Never rejects: the failure was answered and counted, and its sample is all that can be lost. */
async function record(
  { events, auditEvent, log }: FailureSamplerParts,
  failure: VerificationFailure,
  minute: Minute,
): Promise<void> {
  const { tenantId, during, reason, keyId = '', caller } = failure;
  const { unrecorded } = minute;
  minute.unrecorded = 0;
  try {
    const event = await auditEvent({
      ...{ tenantId, operation: 'api_key.verification_failed', targetId: keyId, caller },
      changes: {
        reason: { after: reason },
        during: { after: during },
        unrecorded_count: { after: unrecorded },
      },
    });
    const limit = { perMinuteMax: VERIFICATION_FAILURES_PER_MINUTE };
    if ((await events.append(event, limit)) === 'appended') return;
    minute.recorded = VERIFICATION_FAILURES_PER_MINUTE; // Others have used this minute up.
  } catch (error) {
    log('error', 'failure_not_recorded', { error: nameOf(error) });
  }
  minute.unrecorded += unrecorded + 1;
}

/** Names only: a message may quote what it failed on. */
function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'unknown';
}
