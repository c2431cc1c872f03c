/** Who may do what: one table. docs/admin-access.md shows it; a test compares the two. Pure. */

import { ADMIN_ROLES, type AdminRole } from '../admin-credentials/admin-credential.ts';
import type { AdminPermission, Permission, Principal } from '../http/principal.ts';

const EVERYBODY: readonly AdminRole[] = ['owner', 'operator', 'issuer', 'auditor'];
const READERS: readonly AdminRole[] = ['owner', 'operator', 'auditor'];

/** The roles that have each permission. A new permission is nobody's until it has its row here. */
export const ROLES_WITH: Readonly<Record<AdminPermission, readonly AdminRole[]>> = {
  'api_keys.read': EVERYBODY,
  'api_keys.write': ['owner', 'operator', 'issuer'],
  'api_keys.verify': ['owner', 'operator', 'issuer'],
  'tokens.derive': ['owner', 'operator', 'issuer'],
  'signing_keys.read': READERS,
  'signing_keys.write': ['owner', 'operator'],
  'revocations.read': READERS,
  'revocations.write': ['owner', 'operator'],
  'mass_revocations.write': ['owner'],
  'feed.read': READERS,
  'admin_credentials.read': READERS,
  'admin_credentials.write': ['owner'],
  'own_credential.write': EVERYBODY,
  'tenants.read': READERS,
  'tenants.write': ['owner'],
  'edges.read': READERS,
  'edges.write': ['owner', 'operator'],
  'audit_events.read': READERS,
};

/** What concerns the deployment and no tenant: nobody who is bound to a tenant may. */
const OF_THE_DEPLOYMENT: ReadonlySet<Permission> = new Set([
  ...(['tenants.read', 'tenants.write', 'edges.read', 'edges.write', 'feed.read'] as const),
]);

export function permits(principal: Principal, permission: Permission): boolean {
  if (permission === 'anonymous') return false;
  if (principal.tenantId !== undefined && OF_THE_DEPLOYMENT.has(permission)) return false;
  return ROLES_WITH[permission].includes(principal.role);
}

/** Whether somebody with the role `granter` may hand out `role`: nobody grants what he does not have. */
export function mayGrant(granter: AdminRole, role: AdminRole): boolean {
  return Object.values(ROLES_WITH).every(
    (roles) => !roles.includes(role) || roles.includes(granter),
  );
}

/** The first of the roles in the order owner, operator, issuer, auditor; `undefined` if there is none. */
export function highestRole(roles: readonly AdminRole[]): AdminRole | undefined {
  return ADMIN_ROLES.find((role) => roles.includes(role));
}
