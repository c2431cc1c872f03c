/**
 * Which tenant a request is for: by the host of its own URL and, for administrators, by the tenant
 * that their credential is bound to. No header is read, `X-Forwarded-Host` and `Forwarded` least of all.
 */

import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import type { Tenant } from '../tenants/tenant.ts';
import type { TenantResolver } from '../tenants/tenant-resolver.ts';
import type { Principal } from './principal.ts';
import { problemResponse } from './problem.ts';
import type { Route } from './route.ts';

type Tenants = Pick<TenantResolver, 'byHost' | 'byId'>;

/** `undefined` for a host that belongs to nobody. Throws `StoreUnavailable`. */
export function tenantOfHost(tenants: Tenants, request: Request): Promise<Tenant | undefined> {
  return tenants.byHost(new URL(request.url).host);
}

/** The tenant of an anonymous request. What is for any host does not depend on the database. */
export function tenantOfAnonymous(
  tenants: Tenants,
  request: Request,
  { isForAnyHost = false }: Pick<Route, 'isForAnyHost'>,
): Promise<Tenant | undefined> {
  return isForAnyHost ? tenants.byId(DEFAULT_TENANT_ID) : tenantOfHost(tenants, request);
}

/**
 * The tenant that the principal acts on, or `undefined` if it may not act here: one that is bound to
 * a tenant acts on that one, from a host of its own or of the default tenant.
 */
export async function tenantOfPrincipal(
  tenants: Tenants,
  ofHost: Tenant,
  { tenantId }: Pick<Principal, 'tenantId'>,
): Promise<Tenant | undefined> {
  if (tenantId === undefined || tenantId === ofHost.tenantId) return ofHost;
  return ofHost.tenantId === DEFAULT_TENANT_ID ? tenants.byId(tenantId) : undefined;
}

/** The answer for a host that belongs to nobody; Talos's text. */
export function networkNotFound(): Response {
  return problemResponse({ code: 'not_found', message: 'network not found' });
}
