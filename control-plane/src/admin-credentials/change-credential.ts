/**
 * Ends an admin credential, at once or by a new one in its place. Its holder may do both, whatever his
 * role is; anybody else needs the permission, and the credential in reach.
 */

import { type UnixMilliseconds, unixMilliseconds } from '@cardea/shared/time';
import { generateAdminCredential } from '../admin-auth/admin-credential-text.ts';
import { mayGrant, permits } from '../admin-auth/roles.ts';
import type { Caller } from '../audit/audit-event.ts';
import type { Deps } from '../deps.ts';
import type { Principal } from '../http/principal.ts';
import type { AdminCredential } from './admin-credential.ts';
import { auditTenantOf, isOwn, isWithin, scopeOf } from './credential-scope.ts';

export interface CredentialChange {
  readonly principal: Principal;
  readonly caller: Caller;
  readonly credentialId: string;
}

type Refused = { readonly outcome: 'forbidden' | 'not_found' };

export type RevokeCredentialOutcome = { readonly outcome: 'revoked' | 'already_revoked' } | Refused;

export async function revokeAdminCredential(
  deps: Deps,
  { principal, caller, credentialId }: CredentialChange,
): Promise<RevokeCredentialOutcome> {
  const found = await findChangeable(deps, principal, credentialId);
  if ('outcome' in found) return found;
  const audit = await deps.auditEvent({
    ...{ tenantId: auditTenantOf(found), operation: 'admin_credential.revoke' },
    ...{ targetId: credentialId, caller },
    changes: { status: { after: 'revoked' } },
  });
  const revocation = { ...scopeOf(principal), credentialId, audit };
  return { outcome: await deps.adminCredentials.revoke(revocation) };
}

export type RotateCredentialOutcome =
  | {
      readonly outcome: 'replaced';
      readonly credential: AdminCredential;
      readonly old: AdminCredential;
      /** When the database ended the old one. */
      readonly now: UnixMilliseconds;
      /** Secret: shown this once. */
      readonly text: string;
    }
  | { readonly outcome: 'not_active' }
  | Refused;

export async function rotateAdminCredential(
  deps: Deps,
  { principal, caller, credentialId, overlapSeconds }: CredentialChange & OverlapTerm,
): Promise<RotateCredentialOutcome> {
  const found = await findChangeable(deps, principal, credentialId);
  if ('outcome' in found) return found;
  const { text, ...replacement } = await generateAdminCredential(deps);
  const audit = await deps.auditEvent({
    ...{ tenantId: auditTenantOf(found), operation: 'admin_credential.rotate' },
    ...{ targetId: credentialId, caller },
    changes: {
      credential_id: { before: credentialId, after: replacement.credentialId },
      overlap: { after: `${overlapSeconds}s` },
    },
  });
  const replaced = await deps.adminCredentials.replace({
    ...scopeOf(principal),
    ...{ oldCredentialId: credentialId, overlapSeconds, replacement, audit },
  });
  if (replaced.outcome !== 'replaced') return { outcome: replaced.outcome };
  const { createTime, revokeTime = createTime } = replaced.old;
  return { ...replaced, text, now: unixMilliseconds(revokeTime - overlapSeconds * 1000) };
}

interface OverlapTerm {
  /** Seconds for which the old credential stays good. */
  readonly overlapSeconds: number;
}

/**
 * Whoever may not change any but his own is told so before a look: he must not learn which ids exist.
 * Rotating shows the new secret, so it takes what granting the role takes.
 */
async function findChangeable(
  deps: Deps,
  principal: Principal,
  credentialId: string,
): Promise<AdminCredential | Refused> {
  const isMine = isOwn(principal, credentialId);
  if (!isMine && !permits(principal, 'admin_credentials.write')) return { outcome: 'forbidden' };
  const stored = await deps.adminCredentials.find(credentialId);
  if (stored === undefined || !isWithin(scopeOf(principal), stored.credential)) {
    return { outcome: 'not_found' };
  }
  const mayHave = isMine || mayGrant(principal.role, stored.credential.role);
  return mayHave ? stored.credential : { outcome: 'forbidden' };
}
