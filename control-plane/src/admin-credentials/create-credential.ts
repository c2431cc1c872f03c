/** Makes an admin credential. Nobody grants more than he has himself, to roles or to tenants. */

import { generateAdminCredential } from '../admin-auth/admin-credential-text.ts';
import { mayGrant } from '../admin-auth/roles.ts';
import type { AuditChanges, Caller } from '../audit/audit-event.ts';
import type { Deps } from '../deps.ts';
import type { Principal } from '../http/principal.ts';
import type { AdminCredential, AdminRole } from './admin-credential.ts';
import { auditTenantOf } from './credential-scope.ts';
import type { CredentialEnd } from './store.ts';

export interface CreateCredentialRequest {
  readonly principal: Principal;
  readonly caller: Caller;
  readonly name: string;
  readonly role: AdminRole;
  /** Absent: what the principal is bound to, which may be nothing. */
  readonly tenantId?: string;
  readonly end: CredentialEnd;
}

export type CreateCredentialOutcome =
  | {
      readonly outcome: 'created';
      readonly credential: AdminCredential;
      /** Secret: shown this once. */
      readonly text: string;
    }
  | { readonly outcome: 'role_not_granted' | 'tenant_not_granted' | 'tenant_unknown' };

export async function createAdminCredential(
  deps: Deps,
  { principal, caller, name, role, end, ...wanted }: CreateCredentialRequest,
): Promise<CreateCredentialOutcome> {
  if (!mayGrant(principal.role, role)) return { outcome: 'role_not_granted' };
  const tenantId = wanted.tenantId ?? principal.tenantId;
  if (principal.tenantId !== undefined && tenantId !== principal.tenantId) {
    return { outcome: 'tenant_not_granted' };
  }
  if (tenantId !== undefined && (await deps.tenants.byId(tenantId)) === undefined) {
    return { outcome: 'tenant_unknown' };
  }
  const scope = tenantId === undefined ? {} : { tenantId };
  const { credentialId, secretHash, text } = await generateAdminCredential(deps);
  const audit = await deps.auditEvent({
    ...{ tenantId: auditTenantOf(scope), operation: 'admin_credential.create' },
    ...{ targetId: credentialId, caller },
    changes: changesOf({ name, role, end, ...scope }),
  });
  const created = { ...scope, credentialId, secretHash, name, role, end };
  const credential = await deps.adminCredentials.insert(created, audit);
  return { outcome: 'created', credential, text };
}

function changesOf({
  name,
  role,
  tenantId,
  end,
}: Pick<CreateCredentialRequest, 'name' | 'role' | 'tenantId' | 'end'>): AuditChanges {
  return {
    name: { after: name },
    role: { after: role },
    ...(tenantId === undefined ? {} : { tenant_id: { after: tenantId } }),
    ...('expireTime' in end
      ? { expire_time: { after: new Date(end.expireTime).toISOString() } }
      : { ttl: { after: `${end.afterSeconds}s` } }),
  };
}
