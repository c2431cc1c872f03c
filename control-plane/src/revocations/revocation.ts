/** A revocation: a row committed together with its cause, later an entry of the feed. */

import type { RevocationEntry } from '@cardea/shared/feed/entry';
import type { ScopeId } from '@cardea/shared/feed/scope-id';
import type { UnixSeconds } from '@cardea/shared/time';

/** What can be revoked, as the table of docs/revocation.md has it. */
export const REVOCATION_SCOPES = [
  'token',
  'key',
  'actor',
  'tenant',
  'signing_key',
  'everything',
] as const;

export type RevocationScope = (typeof REVOCATION_SCOPES)[number];

export interface NewRevocation {
  /** A version-4 UUID made by the operation: makes the row idempotent. */
  readonly revocationId: string;
  readonly tenantId: string;
  readonly scope: RevocationScope;
  readonly scopeId: ScopeId;
  /** `at_commit`: a cut-off at the database's clock; a number: a cut-off at that second. */
  readonly bound: 'for_good' | 'at_commit' | UnixSeconds;
  /** The operation that caused it, e.g. `api_key.revoke`. For operators. */
  readonly cause: string;
  /** How long a token it could match may still live: longest token lifetime + skew. */
  readonly livesSeconds: number;
  /** What was named, for lists: a `jti`, a key id, an actor, a tenant's id, a `kid`. */
  readonly subject?: string;
  /** In the words of whoever revokes. */
  readonly reason?: string;
  /** Seconds after the commit from which it counts: the overlap of a rotation. Absent: at once. */
  readonly effectiveAfterSeconds?: number;
}

export interface Revocation {
  readonly revocationId: string;
  readonly tenantId: string;
  readonly scope: RevocationScope;
  readonly entry: RevocationEntry;
  readonly cause: string;
  /** The database's clock when the row was written. */
  readonly createdAtSeconds: UnixSeconds;
  /** Before it the row is not live: nobody refuses by it, and the publisher does not see it. */
  readonly effectiveAtSeconds: UnixSeconds;
  /** From then on no token can be matched: the entry may be dropped. Counted from the effect. */
  readonly expiresAtSeconds: UnixSeconds;
  readonly isAcknowledged: boolean;
  readonly subject?: string;
  readonly reason?: string;
  /** `seq` of the first written head that contains it, once there is one. */
  readonly publishedSeq?: number;
}

/**
 * `acknowledged`: the entry is in the publisher's durable storage, the bound runs from now.
 * `accepted`: the row is committed and the publisher will fetch it by itself.
 */
export type Announcement = 'acknowledged' | 'accepted';

/** Tells the publisher right after the commit. Never throws: the row is the outbox. */
export interface RevocationAnnouncer {
  announce(revocations: readonly Revocation[]): Promise<Announcement>;
  /**
   * Whether a committed row is acknowledged by that alone, because the publisher's storage is the
   * database itself. Otherwise `Revocation.isAcknowledged` says how far a row is.
   */
  readonly acknowledgesCommits: boolean;
}
