/** Whose admin credentials a principal may see and change. Pure. */

import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import type { Principal } from '../http/principal.ts';
import type { AdminCredential } from './admin-credential.ts';
import type { CredentialScope } from './store.ts';

/** Those of the tenant that it is bound to, or all of them. */
export function scopeOf({ tenantId }: Principal): CredentialScope {
  return tenantId === undefined ? {} : { tenantId };
}

export function isWithin({ tenantId }: CredentialScope, credential: AdminCredential): boolean {
  return tenantId === undefined || tenantId === credential.tenantId;
}

/** Whether the caller used this very credential. */
export function isOwn({ kind, id }: Principal, credentialId: string): boolean {
  return kind === 'admin_credential' && id === credentialId;
}

/** The tenant whose audit log tells of a credential: of the whole deployment's, the default one. */
export function auditTenantOf({ tenantId = DEFAULT_TENANT_ID }: CredentialScope): string {
  return tenantId;
}
