/**
 * The port to the audit events, which are written by the batches of what they tell of. Throws
 * `StoreUnavailable`.
 */

import type { UnixMilliseconds } from '@cardea/shared/time';
import type { AuditEvent, NewAuditEvent } from './audit-event.ts';

export interface AuditQuery {
  /** Absent: of every tenant. */
  readonly tenantId?: string;
  readonly operation?: string;
  readonly targetId?: string;
  readonly callerId?: string;
  /** Inclusive. */
  readonly since?: UnixMilliseconds;
  /** Exclusive. */
  readonly until?: UnixMilliseconds;
  readonly pageSize: number;
  /** Where the last page ended. Order: newest first, by time and event id. */
  readonly after?: { readonly time: UnixMilliseconds; readonly eventId: string };
}

export interface Seal {
  readonly eventId: string;
  readonly position: number;
  readonly seal: string;
}

export interface AuditStore {
  /**
   * For events that stand alone, such as a sampled failure. With `perMinuteMax` only while its tenant
   * has fewer events of the same operation in the last 60 seconds.
   */
  append(
    event: NewAuditEvent,
    limit?: { readonly perMinuteMax: number },
  ): Promise<'appended' | 'over_limit'>;
  /** Those that exist, in no order. At most 500 ids. */
  findMany(eventIds: readonly string[]): Promise<readonly AuditEvent[]>;
  list(
    query: AuditQuery,
  ): Promise<{ readonly events: readonly AuditEvent[]; readonly hasMore: boolean }>;
  /** The oldest events without a seal, by time and event id. */
  unsealed(count: number): Promise<readonly AuditEvent[]>;
  /** The sealed event with the highest position. */
  lastSealed(): Promise<AuditEvent | undefined>;
  /** Seals events that have none, all or nothing: `conflict` if a position or an event is taken. */
  seal(seals: readonly Seal[]): Promise<'sealed' | 'conflict'>;
  /** Sealed events from a position on, in order. */
  sealedFrom(position: number, count: number): Promise<readonly AuditEvent[]>;
  /**
   * Removes sealed events before a position and before a time, and answers how many. What remains is
   * verified from there.
   */
  removeBefore(position: number, time: UnixMilliseconds): Promise<number>;
}
