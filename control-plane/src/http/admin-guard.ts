/**
 * Stands in front of every admin path, whether a route exists there or not: who calls, and on whose
 * behalf. What the caller may do there, each route says (`mount-routes`).
 */

import type { MiddlewareHandler } from 'hono';
import {
  type AdminAuthentication,
  createAdminAuthentication,
} from '../admin-auth/authenticate-admin.ts';
import type { Deps } from '../deps.ts';
import { RETRY_AFTER_SECONDS } from '../limits.ts';
import type { Tenant } from '../tenants/tenant.ts';
import { type HonoEnv, unauthorized } from './mount-routes.ts';
import type { Principal } from './principal.ts';
import { problemResponse } from './problem.ts';
import { chooseTenant, networkNotFound, TENANT_HEADER, tenantOfHost } from './tenant-of-request.ts';

export function guardAdminPaths(deps: Deps): MiddlewareHandler<HonoEnv> {
  const authenticate = createAdminAuthentication(deps);
  return async (context, next) => {
    const request = context.req.raw;
    const ofHost = await tenantOfHost(deps.tenants, request);
    if (ofHost === undefined) return networkNotFound();
    const authenticated = await authenticate({
      request,
      requestId: context.get('requestId'),
      clientAddress: context.get('clientAddress'),
    });
    if (authenticated.outcome !== 'authenticated') return answerOf(authenticated);
    const { principal } = authenticated;
    const tenant = await tenantOf(deps, { request, ofHost, principal });
    if (tenant instanceof Response) return tenant;
    context.set('principal', principal);
    context.set('tenant', tenant);
    return next();
  };
}

function answerOf(
  refused: Exclude<AdminAuthentication, { readonly outcome: 'authenticated' }>,
): Response {
  switch (refused.outcome) {
    case 'refused':
      return unauthorized();
    case 'forbidden':
      return problemResponse({ code: 'forbidden' });
    case 'blocked': {
      const message = 'Too many failed attempts from this address.';
      const headers = { 'Retry-After': String(refused.retryAfterSeconds) };
      return problemResponse({ code: 'too_many_requests', message }, headers);
    }
    case 'unavailable': {
      const headers = { 'Retry-After': String(RETRY_AFTER_SECONDS) };
      return problemResponse({ code: 'service_unavailable' }, headers);
    }
  }
}

interface Authenticated {
  readonly request: Request;
  readonly ofHost: Tenant;
  readonly principal: Principal;
}

/** Longer than any id: such a name is not looked up. */
const TENANT_NAME_LENGTH_MAX = 64;

async function tenantOf(
  { tenants }: Pick<Deps, 'tenants'>,
  { request, ofHost, principal }: Authenticated,
): Promise<Tenant | Response> {
  const named = request.headers.get(TENANT_HEADER) ?? undefined;
  const chosen = chooseTenant({ principal, ofHost, named });
  if (chosen.choice === 'of_host') return ofHost;
  const isName = chosen.choice === 'by_id' && chosen.tenantId.length <= TENANT_NAME_LENGTH_MAX;
  const tenant = isName ? await tenants.byId(chosen.tenantId) : undefined;
  if (tenant !== undefined) return tenant;
  // A tenant that the caller is bound to may have been deleted: that is no secret of somebody else's.
  return principal.tenantId === undefined
    ? problemResponse({ code: 'not_found', message: 'There is no such tenant.' })
    : problemResponse({ code: 'forbidden' });
}
