/** Creates a tenant. It is there for the next request; its first token waits for its signing key. */

import { randomUuid } from '../api-keys/generate-api-key.ts';
import type { Caller } from '../audit/audit-event.ts';
import type { Deps } from '../deps.ts';
import { TENANTS_MAX } from '../limits.ts';
import type { StoredTenant } from './store.ts';
import { tenantChanges } from './tenant-changes.ts';
import {
  type DescriptionProblem,
  normalDescription,
  type TenantDescription,
} from './tenant-description.ts';

export interface CreateRequest extends TenantDescription {
  readonly caller: Caller;
}

export type CreateOutcome =
  | { readonly outcome: 'created'; readonly tenant: StoredTenant }
  | DescriptionProblem
  | { readonly outcome: 'host_taken' | 'too_many' };

/** Throws `StoreUnavailable`. A publisher that cannot be told finds the tenant by itself. */
export async function createTenant(
  deps: Deps,
  { caller, ...wanted }: CreateRequest,
): Promise<CreateOutcome> {
  const described = normalDescription(wanted, deps.config);
  if (described.outcome !== 'normal') return described;
  if (await isFull(deps)) return { outcome: 'too_many' };
  const tenant = { ...described.description, tenantId: randomUuid(deps) };
  const { tenantId } = tenant;
  const audit = await deps.auditEvent({
    ...{ tenantId, operation: 'tenant.create', targetId: tenantId, caller },
    changes: tenantChanges(undefined, tenant),
  });
  const inserted = await deps.tenantStore.insert(tenant, audit);
  if (inserted.outcome !== 'inserted') return inserted;
  deps.tenants.forget();
  await deps.feed.wake();
  return { outcome: 'created', tenant: inserted.tenant };
}

/** Two calls at once may go one over the limit: it leaves room for that. */
async function isFull({ tenantStore }: Pick<Deps, 'tenantStore'>): Promise<boolean> {
  const { tenants } = await tenantStore.list({ pageSize: TENANTS_MAX });
  return tenants.length >= TENANTS_MAX;
}
