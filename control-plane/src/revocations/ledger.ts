/**
 * The port to revocations that administrators make by themselves, and to the list of all of them. Rows
 * that come with the change of a key or a tenant are written by that change. Throws `StoreUnavailable`.
 */

import type { ScopeId } from '@cardea/shared/feed/scope-id';
import type { UnixSeconds } from '@cardea/shared/time';
import type { Idempotency } from '../api-keys/store.ts';
import type { NewAuditEvent } from '../audit/audit-event.ts';
import type { NewRevocation, Revocation, RevocationScope } from './revocation.ts';

export interface RevocationCreation {
  readonly tenantId: string;
  /** 1 to 1000, of this tenant. The target of each event is the id of its revocation. */
  readonly items: ReadonlyArray<{
    readonly revocation: NewRevocation;
    readonly audit: NewAuditEvent;
  }>;
  /** The operation is `revocation.create`. */
  readonly idempotency?: Idempotency;
}

export type CreateOutcome =
  /** In the order of the items. */
  | { readonly outcome: 'created'; readonly revocations: readonly Revocation[] }
  /** The same request was answered before: the id of the first revocation that it made. */
  | { readonly outcome: 'replayed'; readonly revocationId: string }
  | { readonly outcome: 'request_id_reused' };

/**
 * Where a row is on its way: `waiting` for its effect, live and in no written head yet
 * (`unpublished`), `published`, or `ended` because no token that it could match lives any more.
 */
export type RevocationStage = 'waiting' | 'unpublished' | 'published' | 'ended';

export interface RevocationQuery {
  readonly tenantId: string;
  readonly scope?: RevocationScope;
  /** Any of them. */
  readonly scopeIds?: readonly ScopeId[];
  readonly stage?: RevocationStage;
  readonly isAcknowledged?: boolean;
  /** Of `createdAtSeconds`, inclusive. */
  readonly since?: UnixSeconds;
  /** Exclusive. */
  readonly until?: UnixSeconds;
  readonly pageSize: number;
  /** Where the last page ended. Order: newest first, by time of creation and revocation id. */
  readonly after?: Pick<Revocation, 'createdAtSeconds' | 'revocationId'>;
}

export interface RevocationsRead {
  readonly revocations: readonly Revocation[];
  /** The database's clock. */
  readonly now: UnixSeconds;
}

export interface RevocationLedger {
  /**
   * All of them or none. A cut-off `at_commit` covers every token that was read before the rows were
   * to be seen, so that nothing derived from such a token in the meantime is younger than the bound.
   */
  create(creation: RevocationCreation): Promise<CreateOutcome>;
  /** Those of the tenant that exist, in no order. At most 1000 ids. */
  findMany(tenantId: string, revocationIds: readonly string[]): Promise<RevocationsRead>;
  list(query: RevocationQuery): Promise<RevocationsRead & { readonly hasMore: boolean }>;
}
