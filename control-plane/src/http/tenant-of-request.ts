/**
 * Which tenant a request is for: by the host of its own URL and, for administrators, by the tenant
 * that their credential is bound to or that they name in `Cardea-Tenant`. No other header is read,
 * `X-Forwarded-Host` and `Forwarded` least of all.
 */

import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import type { Tenant } from '../tenants/tenant.ts';
import type { TenantResolver } from '../tenants/tenant-resolver.ts';
import type { Principal } from './principal.ts';
import { problemResponse } from './problem.ts';
import { hostOf } from './request-url.ts';
import type { Route } from './route.ts';

type Tenants = Pick<TenantResolver, 'byHost' | 'byId'>;

/** `undefined` for a host that belongs to nobody. Throws `StoreUnavailable`. */
export function tenantOfHost(tenants: Tenants, request: Request): Promise<Tenant | undefined> {
  return tenants.byHost(hostOf(request));
}

/** The tenant of an anonymous request. What is for any host does not depend on the database. */
export function tenantOfAnonymous(
  tenants: Tenants,
  request: Request,
  { isForAnyHost = false }: Pick<Route, 'isForAnyHost'>,
): Promise<Tenant | undefined> {
  return isForAnyHost ? tenants.byId(DEFAULT_TENANT_ID) : tenantOfHost(tenants, request);
}

/** Names the tenant that an administrator of the whole deployment acts on. */
export const TENANT_HEADER = 'Cardea-Tenant';

export type TenantChoice =
  | { readonly choice: 'of_host' }
  | { readonly choice: 'by_id'; readonly tenantId: string }
  | { readonly choice: 'forbidden' };

interface ChoiceParts {
  readonly principal: Pick<Principal, 'tenantId'>;
  readonly ofHost: Pick<Tenant, 'tenantId'>;
  /** What `Cardea-Tenant` says, if it is there. */
  readonly named: string | undefined;
}

/**
 * The tenant that the principal acts on. One that is bound to a tenant acts on that one, from a host
 * of its own or of the default tenant, and may name no other; any other principal acts on the tenant
 * that it names, else on the host's. Pure.
 */
export function chooseTenant({ principal, ofHost, named }: ChoiceParts): TenantChoice {
  const { tenantId } = principal;
  if (tenantId === undefined) {
    return named === undefined ? { choice: 'of_host' } : { choice: 'by_id', tenantId: named };
  }
  if (named !== undefined && named !== tenantId) return { choice: 'forbidden' };
  if (ofHost.tenantId === tenantId) return { choice: 'of_host' };
  return ofHost.tenantId === DEFAULT_TENANT_ID
    ? { choice: 'by_id', tenantId }
    : { choice: 'forbidden' };
}

/** The answer for a host that belongs to nobody; Talos's text. */
export function networkNotFound(): Response {
  return problemResponse({ code: 'not_found', message: 'network not found' });
}
