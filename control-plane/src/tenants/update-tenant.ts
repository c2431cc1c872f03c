/** Changes what administrators say of a tenant, from the state that it has at that moment. */

import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import type { Caller } from '../audit/audit-event.ts';
import type { Deps } from '../deps.ts';
import type { StoredTenant, TenantUpdateOutcome } from './store.ts';
import { type TenantDefaults, type TenantSettings, tenantOf } from './tenant.ts';
import { tenantChanges } from './tenant-changes.ts';
import {
  type DescriptionProblem,
  normalDescription,
  type TenantDescription,
} from './tenant-description.ts';

export interface UpdateRequest {
  readonly tenantId: string;
  readonly caller: Caller;
  readonly name?: string;
  readonly hosts?: readonly string[];
  /** Present and `undefined`: the deployment's again. Absent: as it is. */
  readonly settings: { readonly [Name in keyof TenantSettings]: TenantSettings[Name] | undefined };
}

export type UpdateOutcome =
  | { readonly outcome: 'updated'; readonly tenant: StoredTenant }
  | DescriptionProblem
  | {
      readonly outcome: 'host_taken' | 'changed_meanwhile' | 'not_found' | 'is_default';
    };

/** Times that somebody else may be faster before the caller is told. */
const TRIES_MAX = 3;

/** Throws `StoreUnavailable`. */
export async function updateTenant(deps: Deps, request: UpdateRequest): Promise<UpdateOutcome> {
  const { tenantId } = request;
  if (tenantId === DEFAULT_TENANT_ID) return { outcome: 'is_default' };
  for (let tries = 1; ; tries++) {
    const before = await deps.tenantStore.find(tenantId);
    if (before === undefined) return { outcome: 'not_found' };
    const described = normalDescription(changedFrom(before, request, deps.config), deps.config);
    if (described.outcome !== 'normal') return described;
    const updated = await write(deps, request, { before, after: described.description });
    if (updated.outcome === 'changed_meanwhile' && tries < TRIES_MAX) continue;
    if (updated.outcome === 'updated') {
      deps.tenants.forget();
      await deps.feed.wake(); // The keyset names issuer and audience.
    }
    return updated;
  }
}

async function write(
  deps: Deps,
  { tenantId, caller }: UpdateRequest,
  { before, after }: { readonly before: StoredTenant; readonly after: TenantDescription },
): Promise<TenantUpdateOutcome> {
  const audit = await deps.auditEvent({
    ...{ tenantId, operation: 'tenant.update', targetId: tenantId, caller },
    changes: tenantChanges(before, after),
  });
  return deps.tenantStore.update({ ...after, tenantId, revision: before.revision, audit });
}

function changedFrom(
  before: StoredTenant,
  { name = before.name, hosts = before.hosts, settings }: UpdateRequest,
  defaults: TenantDefaults,
): TenantDescription {
  const after = withoutUnset({ ...before.settings, ...settings });
  const isNamed = 'retiredApiKeyPrefixes' in settings;
  return {
    ...{ name, hosts },
    settings: isNamed ? after : keepingPrefixes(before.settings, after, defaults),
  };
}

function withoutUnset(settings: UpdateRequest['settings']): TenantSettings {
  const set = Object.entries(settings).filter(([, value]) => value !== undefined);
  return Object.fromEntries(set);
}

/** Keys that are out carry the former prefix: they go on being accepted unless somebody says else. */
function keepingPrefixes(
  before: TenantSettings,
  after: TenantSettings,
  defaults: TenantDefaults,
): TenantSettings {
  const old = tenantOf('', before, defaults);
  const now = tenantOf('', after, defaults);
  const current = [now.apiKeyPrefix, now.publicApiKeyPrefix];
  const dropped = [old.apiKeyPrefix, old.publicApiKeyPrefix].filter(
    (prefix) => !current.includes(prefix),
  );
  if (dropped.length === 0) return after;
  const retired = new Set([...now.retiredApiKeyPrefixes, ...dropped]);
  return { ...after, retiredApiKeyPrefixes: [...retired] };
}
