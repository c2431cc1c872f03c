import { z } from 'zod';
import type { Deps } from '../../deps.ts';
import { problemResponse } from '../../http/problem.ts';
import { protoMessage } from '../../http/protojson.ts';
import { parseQuery, type Route } from '../../http/route.ts';
import { deleteTenant } from '../../tenants/delete-tenant.ts';
import { announcementHeader } from '../messages/announcement.ts';
import { isDefaultTenant, refusedToTenants, tenantNotFound } from './tenant-problems.ts';

const DeleteQuery = protoMessage({
  force: z.enum(['true', 'false'], { error: 'must be true or false' }).optional(),
});

/** DELETE /v1/admin/tenants/{tenant_id}?force=true: 204 or 202 like the revocation that it is. */
export function deleteTenantRoute(deps: Deps): Route {
  return {
    operationId: 'adminDeleteTenant',
    summary: 'Deletes a tenant with all that belongs to it, and cuts off its tokens.',
    method: 'DELETE',
    path: '/v1/admin/tenants/{tenant_id}',
    surface: 'admin',
    permission: 'tenants.write',
    query: DeleteQuery,
    answers: { 204: null, 202: null },
    handle: async ({ caller, params: { tenant_id: tenantId = '' }, principal, query }) => {
      const refused = refusedToTenants(principal);
      if (refused !== undefined) return refused;
      const read = parseQuery(query, DeleteQuery);
      if (!read.ok) return problemResponse(read.problem);
      const isForced = read.value.force === 'true';
      const deleted = await deleteTenant(deps, { tenantId, isForced, caller });
      switch (deleted.outcome) {
        case 'deleted': {
          const { announcement } = deleted;
          const status = announcement === 'acknowledged' ? 204 : 202;
          return new Response(null, { status, headers: announcementHeader(announcement) });
        }
        case 'has_live_keys': {
          const message = 'The tenant has live keys: revoke them, or delete with force=true.';
          return problemResponse({ code: 'failed_precondition', message });
        }
        case 'not_found':
          return tenantNotFound();
        case 'is_default':
          return isDefaultTenant();
      }
    },
  };
}
