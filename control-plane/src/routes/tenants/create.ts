import type { Deps } from '../../deps.ts';
import { problemResponse } from '../../http/problem.ts';
import { jsonRoute, type Route } from '../../http/route.ts';
import { TENANTS_MAX } from '../../limits.ts';
import { createTenant } from '../../tenants/create-tenant.ts';
import { CreateTenantRequest, settingsOf } from './tenant-fields.ts';
import { tenantAnswer, tenantMessage, tenantPath } from './tenant-message.ts';
import { hostTaken, refusedToTenants } from './tenant-problems.ts';

/** POST /v1/admin/tenants */
export function createTenantRoute(deps: Deps): Route {
  return jsonRoute({
    operationId: 'adminCreateTenant',
    summary: 'Creates a tenant; requests to its hosts are its own from then on.',
    method: 'POST',
    path: '/v1/admin/tenants',
    surface: 'admin',
    permission: 'tenants.write',
    body: CreateTenantRequest,
    answers: { 201: tenantAnswer },
    handle: async (body, { caller, principal }) => {
      const refused = refusedToTenants(principal);
      if (refused !== undefined) return refused;
      const { name, hosts = [] } = body;
      const created = await createTenant(deps, { caller, name, hosts, settings: settingsOf(body) });
      switch (created.outcome) {
        case 'created': {
          const headers = { Location: tenantPath(created.tenant) };
          return Response.json(tenantMessage(created.tenant, deps), { status: 201, headers });
        }
        case 'invalid':
          return problemResponse({ code: 'bad_request', message: created.rule });
        case 'host_taken':
          return hostTaken();
        case 'too_many': {
          const message = `There are ${TENANTS_MAX} tenants already: no more fit into the feed.`;
          return problemResponse({ code: 'failed_precondition', message });
        }
      }
    },
  });
}
