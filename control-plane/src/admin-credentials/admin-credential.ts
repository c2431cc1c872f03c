/** Credentials of administrators: made by other administrators, stored as hashes. */

import type { UnixMilliseconds } from '@cardea/shared/time';

/**
 * `owner`: everything, credentials and tenants included. `operator`: keys, signing keys, revocations.
 * `issuer`: issue, rotate, verify, derive. `auditor`: reads, audit events included.
 */
export type AdminRole = 'owner' | 'operator' | 'issuer' | 'auditor';

export const ADMIN_ROLES: readonly AdminRole[] = ['owner', 'operator', 'issuer', 'auditor'];

export interface AdminCredential {
  /** A version-4 UUID; also stands in the credential's text. */
  readonly credentialId: string;
  /** The only tenant it is good for; absent: every tenant of the deployment. */
  readonly tenantId?: string;
  readonly name: string;
  readonly role: AdminRole;
  readonly createTime: UnixMilliseconds;
  readonly expireTime?: UnixMilliseconds;
  /** From then on it is refused. In the future while a rotation's overlap lasts. */
  readonly revokeTime?: UnixMilliseconds;
}
