/**
 * The port through which operations read and change API keys. Each method is one guarded statement
 * or one batch: it happens whole or not at all, and it writes the revocation rows that it causes, and
 * its audit event, in that same batch. Throws `StoreUnavailable` when the database cannot be reached.
 */

import type { UnixMilliseconds } from '@cardea/shared/time';
import type { NewAuditEvent } from '../audit/audit-event.ts';
import type { NewRevocation, Revocation } from '../revocations/revocation.ts';
import type { ApiKey, RateLimitPolicy, RevocationReason } from './api-key.ts';
import type { KeyUse } from './last-used.ts';

export interface StoredApiKey {
  readonly key: ApiKey;
  /** SHA-256 of the 32 random bytes of an issued key, lowercase hexadecimal; '' of an imported one. */
  readonly secretHash: string;
  /** The database's clock, read in the same statement as the row. */
  readonly now: UnixMilliseconds;
}

export interface Idempotency {
  readonly requestId: string;
  /** SHA-256 over the canonical request, lowercase hexadecimal. */
  readonly requestHash: string;
}

/** Times are the database's own: a new key carries durations, not dates. */
export type NewApiKey = Omit<
  ApiKey,
  | 'state'
  | 'createTime'
  | 'updateTime'
  | 'expireTime'
  | 'lastUsedTime'
  | 'disableTime'
  | 'overlapEndTime'
  | 'revision'
> & {
  readonly secretHash: string;
  readonly ttlSeconds?: number;
};

export interface KeyInsertion {
  readonly key: NewApiKey;
  readonly audit: NewAuditEvent;
  /** The operation is `api_key.issue` for issued keys, `api_key.import` for imported ones. */
  readonly idempotency?: Idempotency;
  /**
   * Refuses when the tenant has so many keys (issued and imported) that are not revoked; expired and
   * disabled ones count. A replay makes no key and is never refused for it.
   */
  readonly keysMax?: number;
}

export type InsertOutcome =
  | { readonly outcome: 'inserted'; readonly key: ApiKey; readonly now: UnixMilliseconds }
  /** The same request was answered before: the key it made, whose secret is not to be had again. */
  | { readonly outcome: 'replayed'; readonly key: ApiKey; readonly now: UnixMilliseconds }
  /**
   * In this order of precedence. `request_id_reused`: for another request, or for this one when the
   * key that it made is gone. `exists`: a key with this id (imported keys only). A request that is
   * refused leaves its `request_id` unused.
   */
  | { readonly outcome: 'request_id_reused' | 'quota_exceeded' }
  | { readonly outcome: 'exists' };

export interface KeyRevocation {
  readonly tenantId: string;
  readonly keyId: string;
  readonly reason: RevocationReason;
  readonly description?: string;
  readonly revocation: NewRevocation;
  readonly audit: NewAuditEvent;
}

export interface KeyReplacement {
  readonly tenantId: string;
  readonly oldKeyId: string;
  /** The old key's revision that the replacement was made from. */
  readonly oldRevision: number;
  /** Inherits `expireTime` of the old key: `ttlSeconds` is not looked at. */
  readonly replacement: NewApiKey;
  /**
   * Whole seconds for which the old key lives on, 0 for none. With an overlap the old key stays
   * active until `overlapEndTime`, the overlap after the commit but never later than its
   * `expireTime`, and `revocation.effectiveAfterSeconds` is the same duration. Either way its reason
   * is `superseded` from the commit on, and its `expireTime` is raised as by a revocation.
   */
  readonly overlapSeconds: number;
  /** As for an insertion. Looked at with an overlap only: without one there are as many keys as before. */
  readonly keysMax?: number;
  readonly revocation: NewRevocation;
  readonly audit: NewAuditEvent;
}

/** Members that are present are set; `null` clears. */
export interface KeyChanges {
  readonly name?: string;
  readonly scopes?: readonly string[];
  readonly metadata?: Readonly<Record<string, unknown>> | null;
  readonly rateLimitPolicy?: RateLimitPolicy | null;
  readonly allowedCidrs?: readonly string[] | null;
  /** Sets `disableTime` to the database's clock, or clears it. */
  readonly isDisabled?: boolean;
}

/** An update and a revocation add one to the revision, and so does a replacement to the old key's. */
export interface KeyUpdate {
  readonly tenantId: string;
  readonly keyId: string;
  /** The revision that the change was made from. */
  readonly revision: number;
  readonly changes: KeyChanges;
  /** Cuts off tokens already derived, in the same batch. */
  readonly revocation?: NewRevocation;
  readonly audit: NewAuditEvent;
}

export interface KeyDeletion {
  readonly tenantId: string;
  /** Of an imported key. */
  readonly keyId: string;
  readonly revocation: NewRevocation;
  readonly audit: NewAuditEvent;
}

export type RevokeOutcome =
  | { readonly outcome: 'revoked'; readonly key: ApiKey; readonly revocation: Revocation }
  | { readonly outcome: 'already_revoked' | 'not_found' };

export type RevokeOnceOutcome =
  | RevokeOutcome
  /** The same request was answered before: the revocation that it made, whatever is true of the key. */
  | { readonly outcome: 'replayed'; readonly revocationId: string }
  | { readonly outcome: 'request_id_reused' };

export type ReplaceOutcome =
  | {
      readonly outcome: 'replaced';
      readonly key: ApiKey;
      readonly oldKey: ApiKey;
      readonly revocation: Revocation;
    }
  /**
   * In this order of precedence: `not_found`, `not_active` (revoked, expired, disabled, or within the
   * overlap of an earlier rotation), `changed_meanwhile` (another revision), `quota_exceeded`.
   */
  | { readonly outcome: 'not_active' | 'not_found' | 'changed_meanwhile' | 'quota_exceeded' };

export type UpdateOutcome =
  | {
      readonly outcome: 'updated';
      readonly key: ApiKey;
      readonly now: UnixMilliseconds;
      readonly revocation?: Revocation;
    }
  | { readonly outcome: 'changed_meanwhile' | 'not_found' };

export type DeleteOutcome =
  | { readonly outcome: 'deleted'; readonly revocation: Revocation }
  | { readonly outcome: 'not_found' };

export interface KeyPage {
  readonly keys: readonly ApiKey[];
  /** The last key id of this page if there are more. Order: `keyId` descending. */
  readonly nextAfterKeyId?: string;
}

export interface KeyQuery {
  readonly tenantId: string;
  readonly kind: ApiKey['kind'];
  readonly pageSize: number;
  readonly afterKeyId?: string;
  readonly actorId?: string;
  readonly status?: 'active' | 'revoked' | 'expired' | 'disabled';
}

export interface ApiKeyStore {
  insert(insertion: KeyInsertion): Promise<InsertOutcome>;
  /**
   * Inserts each key whole or not at all, in order; the list as a whole is not atomic. One outcome a
   * key, in the same order. At most 1000, of one tenant and with one `keysMax`.
   */
  insertMany(insertions: readonly KeyInsertion[]): Promise<readonly InsertOutcome[]>;
  find(tenantId: string, keyId: string): Promise<StoredApiKey | undefined>;
  /** Those that exist, by key id. At most 100 ids. */
  findMany(tenantId: string, keyIds: readonly string[]): Promise<ReadonlyMap<string, StoredApiKey>>;
  list(query: KeyQuery): Promise<KeyPage & { readonly now: UnixMilliseconds }>;
  /** Changes a key of any status, revoked ones too. */
  update(update: KeyUpdate): Promise<UpdateOutcome>;
  /**
   * Ends a key that is not revoked: expired, disabled and within an overlap too, which this cuts short
   * (`overlapEndTime` is cleared). One whose overlap is over is `already_revoked`. Raises `expireTime`
   * to at least `REVOKED_KEY_KEPT_SECONDS` after the end of the key: until then its row is kept.
   */
  revoke(revocation: KeyRevocation): Promise<RevokeOutcome>;
  /** The same under a client's `request_id`, of the operation `revocation.create`. */
  revokeOnce(revocation: KeyRevocation, idempotency: Idempotency): Promise<RevokeOnceOutcome>;
  /** Ends an active key, at once or after an overlap, and inserts its replacement: both or neither. */
  replace(replacement: KeyReplacement): Promise<ReplaceOutcome>;
  /** Removes the row of an imported key of any status; an issued key is `not_found`. */
  delete(deletion: KeyDeletion): Promise<DeleteOutcome>;
  /** Moves `last_used_time` forward, never back, and changes nothing else. */
  touch(uses: readonly KeyUse[]): Promise<void>;
}
