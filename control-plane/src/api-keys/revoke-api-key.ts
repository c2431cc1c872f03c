/** Ends a key for good, on an administrator's word. */

import type { Caller } from '../audit/audit-event.ts';
import type { Deps } from '../deps.ts';
import type { Announcement } from '../revocations/revocation.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type { RevocationReason } from './api-key.ts';
import { changesOfEnd } from './key-changes.ts';
import { newKeyRevocation } from './key-revocation.ts';

export interface RevokeRequest {
  readonly tenant: Tenant;
  readonly caller: Caller;
  /** A canonical key id: see `kindOfKeyId`. */
  readonly keyId: string;
  readonly reason: RevocationReason;
  /** Only with `privilege_withdrawn`. */
  readonly description?: string;
}

export type RevokeApiKeyOutcome =
  | { readonly outcome: 'revoked'; readonly announcement: Announcement }
  | { readonly outcome: 'already_revoked' | 'not_found' };

export async function revokeApiKey(
  deps: Deps,
  request: RevokeRequest,
): Promise<RevokeApiKeyOutcome> {
  const { tenant, caller, ...ending } = request;
  const { tenantId } = tenant;
  const { keyId } = ending;
  const operation = 'api_key.revoke';
  const ended = await deps.apiKeys.revoke({
    ...ending,
    tenantId,
    revocation: newKeyRevocation(deps, { tenantId, keyId, cause: operation }),
    audit: await deps.auditEvent({
      ...{ tenantId, operation, targetId: keyId, caller },
      changes: changesOfEnd(ending),
    }),
  });
  if (ended.outcome !== 'revoked') return { outcome: ended.outcome };
  const announcement = await deps.announcer.announce([ended.revocation]);
  return { outcome: 'revoked', announcement };
}
