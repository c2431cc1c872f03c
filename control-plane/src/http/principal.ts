/** Who makes an admin call. What a role may do stands in `admin-auth/roles`. */

import type { AdminRole } from '../admin-credentials/admin-credential.ts';
import type { Caller } from '../audit/audit-event.ts';

/** What a route may need, but for those that need nobody. docs/admin-access.md explains each. */
export type AdminPermission =
  | 'api_keys.read'
  | 'api_keys.write'
  | 'api_keys.verify'
  | 'tokens.derive'
  | 'signing_keys.read'
  | 'signing_keys.write'
  | 'revocations.read'
  | 'revocations.write'
  /** To cut off a whole tenant, or everything. */
  | 'mass_revocations.write'
  | 'feed.read'
  | 'admin_credentials.read'
  | 'admin_credentials.write'
  /** To rotate and to revoke the very credential that the caller uses. */
  | 'own_credential.write'
  | 'tenants.read'
  | 'tenants.write'
  | 'edges.read'
  | 'edges.write'
  | 'audit_events.read';

/** What a route needs. `anonymous` routes need nobody; every other one needs a principal. */
export type Permission = 'anonymous' | AdminPermission;

/** An authenticated administrator. */
export interface Principal {
  readonly kind: 'bootstrap' | 'admin_credential' | 'admin_jwt';
  /** Credential id, or `sub` of the JWT; '' for the bootstrap token. */
  readonly id: string;
  readonly role: AdminRole;
  /** The only tenant it may act on; absent: every one. */
  readonly tenantId?: string;
}

/** Who an audit event names. Without a principal only from where: the operation knows the rest. */
export function callerOf(
  principal: Principal | undefined,
  from: { readonly requestId: string; readonly clientAddress: string | undefined },
): Caller {
  const { requestId, clientAddress } = from;
  const origin = { requestId, ...(clientAddress === undefined ? {} : { clientAddress }) };
  if (principal === undefined) return { kind: 'system', id: '', ...origin };
  const { kind, id, role } = principal;
  return { kind, id, role, ...origin };
}
