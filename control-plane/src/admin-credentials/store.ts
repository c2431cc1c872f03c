/** The port to the admin credentials. Each method is one statement or one batch. Throws `StoreUnavailable`. */

import type { UnixMilliseconds } from '@cardea/shared/time';
import type { NewAuditEvent } from '../audit/audit-event.ts';
import type { AdminCredential } from './admin-credential.ts';

export interface NewAdminCredential
  extends Omit<AdminCredential, 'createTime' | 'expireTime' | 'revokeTime'> {
  /** SHA-256 of the 32 random bytes, lowercase hexadecimal. */
  readonly secretHash: string;
  readonly ttlSeconds?: number;
}

export interface StoredAdminCredential {
  readonly credential: AdminCredential;
  readonly secretHash: string;
  /** The database's clock. */
  readonly now: UnixMilliseconds;
}

/** Whose credentials may be touched: those of one tenant, or all. */
export interface CredentialScope {
  readonly tenantId?: string;
}

export interface CredentialReplacement extends CredentialScope {
  readonly oldCredentialId: string;
  /** Seconds for which the old one stays good. */
  readonly overlapSeconds: number;
  /** Has the old one's tenant, role, name and expiry: those of this argument are not looked at. */
  readonly replacement: Pick<NewAdminCredential, 'credentialId' | 'secretHash'>;
  readonly audit: NewAuditEvent;
}

export interface AdminCredentialStore {
  insert(credential: NewAdminCredential, audit: NewAuditEvent): Promise<AdminCredential>;
  find(credentialId: string): Promise<StoredAdminCredential | undefined>;
  /** Order: `credentialId` ascending. Revoked and expired ones are listed until they are pruned. */
  list(
    query: CredentialScope & { readonly pageSize: number; readonly afterCredentialId?: string },
  ): Promise<{
    readonly credentials: readonly AdminCredential[];
    readonly now: UnixMilliseconds;
    readonly nextAfterCredentialId?: string;
  }>;
  revoke(
    revocation: CredentialScope & { readonly credentialId: string; readonly audit: NewAuditEvent },
  ): Promise<'revoked' | 'already_revoked' | 'not_found'>;
  /** Inserts the new one and sets the end of the old one, together or not at all. */
  replace(
    replacement: CredentialReplacement,
  ): Promise<
    | {
        readonly outcome: 'replaced';
        readonly credential: AdminCredential;
        readonly old: AdminCredential;
      }
    | { readonly outcome: 'not_active' | 'not_found' }
  >;
}
