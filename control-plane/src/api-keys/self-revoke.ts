/** Ends a key on the word of whoever holds it: possession is the permission. */

import { accept, type Result, refuse } from '@cardea/shared/result';
import type { Caller } from '../audit/audit-event.ts';
import type { Deps } from '../deps.ts';
import type { Announcement } from '../revocations/revocation.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type { RevocationReason } from './api-key.ts';
import { proveApiKey } from './authenticate.ts';
import { changesOfEnd } from './key-changes.ts';
import { newKeyRevocation } from './key-revocation.ts';
import { statusOf } from './status.ts';

export interface SelfRevokeRequest {
  readonly tenant: Tenant;
  /** From where; that it is the key's holder is added here. */
  readonly caller: Omit<Caller, 'kind' | 'id'>;
  readonly credential: string;
  readonly reason: RevocationReason;
}

export type SelfRevokeOutcome =
  | { readonly outcome: 'revoked'; readonly announcement: Announcement }
  | { readonly outcome: 'already_revoked' };

/**
 * Refuses as `proveApiKey` does, and with `api_key_expired`. Does not look at the client's address:
 * whoever found a key on the loose must be able to end it from anywhere.
 */
export async function selfRevoke(
  deps: Deps,
  { tenant, caller, credential, reason }: SelfRevokeRequest,
): Promise<Result<SelfRevokeOutcome>> {
  const proved = await proveApiKey(deps, credential, tenant);
  if (!proved.ok) return proved;
  const { key, now } = proved.value;
  const status = statusOf(key, now);
  if (status === 'revoked') return accept({ outcome: 'already_revoked' });
  if (status === 'expired') return refuse('api_key_expired', { key_id: key.keyId });
  const { keyId } = key;
  const { tenantId } = tenant;
  const operation = 'api_key.self_revoke';
  const ended = await deps.apiKeys.revoke({
    ...{ tenantId, keyId, reason },
    revocation: newKeyRevocation(deps, { tenantId, keyId, cause: operation }),
    audit: await deps.auditEvent({
      ...{ tenantId, operation, targetId: keyId },
      caller: { ...caller, kind: 'key_holder', id: keyId },
      changes: changesOfEnd({ reason }),
    }),
  });
  if (ended.outcome !== 'revoked') {
    // Somebody else was faster, or the row is gone since it was read.
    const { outcome } = ended;
    return outcome === 'not_found' ? refuse('api_key_unknown') : accept({ outcome });
  }
  const announcement = await deps.announcer.announce([ended.revocation]);
  return accept({ outcome: 'revoked', announcement });
}
