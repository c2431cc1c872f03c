/**
 * The port through which operations read and change API keys. Each method is one guarded statement
 * or one batch: it happens whole or not at all, and it writes the revocation rows that it causes in
 * that same batch. Throws `StoreUnavailable` when the database cannot be reached.
 */

import type { UnixMilliseconds } from '@cardea/shared/time';
import type { NewRevocation, Revocation } from '../revocations/revocation.ts';
import type { ApiKey, RevocationReason } from './api-key.ts';

export interface StoredApiKey {
  readonly key: ApiKey;
  /** SHA-256 of the 32 random bytes of an issued key, lowercase hexadecimal. */
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
  'state' | 'createTime' | 'updateTime' | 'expireTime' | 'lastUsedTime'
> & {
  readonly secretHash: string;
  readonly ttlSeconds?: number;
};

export type InsertOutcome =
  | { readonly outcome: 'inserted'; readonly key: ApiKey; readonly now: UnixMilliseconds }
  /** The same request was answered before: the key it made, whose secret is not to be had again. */
  | { readonly outcome: 'replayed'; readonly key: ApiKey; readonly now: UnixMilliseconds }
  /** The `request_id` was used for another request. */
  | { readonly outcome: 'request_id_reused' };

export interface KeyRevocation {
  readonly tenantId: string;
  readonly keyId: string;
  readonly reason: RevocationReason;
  readonly description?: string;
  readonly revocation: NewRevocation;
}

export interface KeyReplacement {
  readonly tenantId: string;
  readonly oldKeyId: string;
  /** Inherits `expireTime` of the old key: `ttlSeconds` is not looked at. */
  readonly replacement: NewApiKey;
  readonly revocation: NewRevocation;
}

export type RevokeOutcome =
  | { readonly outcome: 'revoked'; readonly key: ApiKey; readonly revocation: Revocation }
  | { readonly outcome: 'already_revoked' | 'not_found' };

export type ReplaceOutcome =
  | {
      readonly outcome: 'replaced';
      readonly key: ApiKey;
      readonly oldKey: ApiKey;
      readonly revocation: Revocation;
    }
  | { readonly outcome: 'not_active' | 'not_found' };

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
  readonly status?: 'active' | 'revoked' | 'expired';
}

export interface ApiKeyStore {
  insert(key: NewApiKey, idempotency?: Idempotency): Promise<InsertOutcome>;
  find(tenantId: string, keyId: string): Promise<StoredApiKey | undefined>;
  list(query: KeyQuery): Promise<KeyPage & { readonly now: UnixMilliseconds }>;
  revoke(revocation: KeyRevocation): Promise<RevokeOutcome>;
  /** Revokes an active, unexpired key and inserts its replacement, together or not at all. */
  replace(replacement: KeyReplacement): Promise<ReplaceOutcome>;
}
