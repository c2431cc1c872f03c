/** Deletes a tenant with all that belongs to it, and cuts off the tokens that are out. */

import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import { randomUuid } from '../api-keys/generate-api-key.ts';
import type { Caller } from '../audit/audit-event.ts';
import type { Deps } from '../deps.ts';
import { revocationLivesSeconds, revocationOfTenant } from '../revocations/new-revocation.ts';
import type { Announcement } from '../revocations/revocation.ts';
import { tenantChanges } from './tenant-changes.ts';

export interface DeleteRequest {
  readonly tenantId: string;
  /** Also with keys that are neither revoked nor expired. */
  readonly isForced: boolean;
  readonly caller: Caller;
}

export type DeleteOutcome =
  | { readonly outcome: 'deleted'; readonly announcement: Announcement }
  | { readonly outcome: 'has_live_keys' | 'not_found' | 'is_default' };

/** Throws `StoreUnavailable`. */
export async function deleteTenant(deps: Deps, request: DeleteRequest): Promise<DeleteOutcome> {
  const { tenantId, isForced, caller } = request;
  if (tenantId === DEFAULT_TENANT_ID) return { outcome: 'is_default' };
  const tenant = await deps.tenantStore.find(tenantId);
  if (tenant === undefined) return { outcome: 'not_found' };
  const { derivedTokenTtlMaxSeconds: derivedTokenTtlSecondsMax, clockSkewSeconds } = deps.config;
  const operation = 'tenant.delete';
  const deleted = await deps.tenantStore.delete({
    ...{ tenantId, isForced },
    revocation: revocationOfTenant({
      ...{ tenantId, cause: operation, revocationId: randomUuid(deps) },
      livesSeconds: revocationLivesSeconds({ derivedTokenTtlSecondsMax, clockSkewSeconds }),
    }),
    audit: await deps.auditEvent({
      ...{ tenantId, operation, targetId: tenantId, caller },
      changes: { ...tenantChanges(tenant, undefined), force: { after: isForced } },
    }),
  });
  if (deleted.outcome !== 'deleted') return deleted;
  deps.tenants.forget();
  const announcement = await deps.announcer.announce([deleted.revocation]);
  await deps.feed.wake(); // Its keys leave the keyset.
  return { outcome: 'deleted', announcement };
}
