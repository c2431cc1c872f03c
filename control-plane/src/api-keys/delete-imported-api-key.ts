/** Removes an imported key for good: its row is gone, and the tokens derived from it are cut off. */

import type { Caller } from '../audit/audit-event.ts';
import type { Deps } from '../deps.ts';
import type { Announcement } from '../revocations/revocation.ts';
import type { Tenant } from '../tenants/tenant.ts';
import { changesBetween } from './key-changes.ts';
import { newKeyCutOff } from './key-revocation.ts';

export interface DeleteRequest {
  readonly tenant: Tenant;
  readonly caller: Caller;
  readonly keyId: string;
}

export type DeleteApiKeyOutcome =
  | { readonly outcome: 'deleted'; readonly announcement: Announcement }
  | { readonly outcome: 'not_found' };

export async function deleteImportedApiKey(
  deps: Deps,
  { caller, keyId, tenant }: DeleteRequest,
): Promise<DeleteApiKeyOutcome> {
  const { tenantId } = tenant;
  const stored = await deps.apiKeys.find(tenantId, keyId);
  if (stored?.key.kind !== 'imported') return { outcome: 'not_found' };
  const operation = 'api_key.delete';
  const deleted = await deps.apiKeys.delete({
    ...{ tenantId, keyId },
    revocation: newKeyCutOff(deps, { tenantId, keyId, cause: operation }),
    audit: await deps.auditEvent({
      ...{ tenantId, operation, targetId: keyId, caller },
      changes: changesBetween(stored.key, {}),
    }),
  });
  if (deleted.outcome !== 'deleted') return deleted;
  const announcement = await deps.announcer.announce([deleted.revocation]);
  return { outcome: 'deleted', announcement };
}
