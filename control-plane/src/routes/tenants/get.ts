import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import type { Deps } from '../../deps.ts';
import type { Route } from '../../http/route.ts';
import { defaultTenantMessage, tenantAnswer, tenantMessage } from './tenant-message.ts';
import { refusedToTenants, tenantNotFound } from './tenant-problems.ts';

/** GET /v1/admin/tenants/{tenant_id} */
export function getTenantRoute(deps: Deps): Route {
  return {
    operationId: 'adminGetTenant',
    summary: 'Answers one tenant.',
    method: 'GET',
    path: '/v1/admin/tenants/{tenant_id}',
    surface: 'admin',
    permission: 'tenants.read',
    answers: { 200: tenantAnswer },
    handle: async ({ params: { tenant_id: tenantId = '' }, principal }) => {
      const refused = refusedToTenants(principal);
      if (refused !== undefined) return refused;
      if (tenantId === DEFAULT_TENANT_ID) return Response.json(defaultTenantMessage(deps));
      const tenant = await deps.tenantStore.find(tenantId);
      return tenant === undefined ? tenantNotFound() : Response.json(tenantMessage(tenant, deps));
    },
  };
}
