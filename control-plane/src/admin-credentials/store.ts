/** The port to the admin credentials. Each method is one statement or one batch. Throws `StoreUnavailable`. */

import type { UnixMilliseconds } from '@cardea/shared/time';
import type { NewAuditEvent } from '../audit/audit-event.ts';
import type { AdminCredential } from './admin-credential.ts';

/** When a credential ends: so long after it is made by the database's clock, or exactly then. */
export type CredentialEnd =
  | { readonly afterSeconds: number }
  | { readonly expireTime: UnixMilliseconds };

export interface NewAdminCredential
  extends Omit<AdminCredential, 'createTime' | 'expireTime' | 'revokeTime'> {
  /** SHA-256 of the 32 random bytes, lowercase hexadecimal. */
  readonly secretHash: string;
  readonly end: CredentialEnd;
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
  /** Seconds for which the old one stays good. With 0 it is refused from this moment on. */
  readonly overlapSeconds: number;
  /** Gets the old one's tenant, role, name and expiry. */
  readonly replacement: Pick<NewAdminCredential, 'credentialId' | 'secretHash'>;
  readonly audit: NewAuditEvent;
}

export interface AdminCredentialStore {
  /** The event's target is the credential. */
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
  /** Ends it now, an overlap cut short included. An expired one can be revoked. */
  revoke(
    revocation: CredentialScope & { readonly credentialId: string; readonly audit: NewAuditEvent },
  ): Promise<'revoked' | 'already_revoked' | 'not_found'>;
  /**
   * Inserts the new one and sets the end of the old one, together or not at all. `not_active`: the old
   * one is expired or revoked, or has been replaced before (its overlap lasts).
   */
  replace(replacement: CredentialReplacement): Promise<
    | {
        readonly outcome: 'replaced';
        readonly credential: AdminCredential;
        readonly old: AdminCredential;
      }
    | { readonly outcome: 'not_active' | 'not_found' }
  >;
}
