import type { Deps } from '../../deps.ts';
import { problemResponse } from '../../http/problem.ts';
import { protoMessage, protoString } from '../../http/protojson.ts';
import { jsonRoute, parseQuery, type Route } from '../../http/route.ts';
import { UPDATE_MASK_LENGTH_MAX } from '../../limits.ts';
import { type UpdateOutcome, updateTenant } from '../../tenants/update-tenant.ts';
import { maskedNames, settingsNamed, UpdateTenantRequest } from './tenant-fields.ts';
import { tenantAnswer, tenantMessage } from './tenant-message.ts';
import { hostTaken, isDefaultTenant, refusedToTenants, tenantNotFound } from './tenant-problems.ts';

const UpdateQuery = protoMessage({
  update_mask: protoString({ min: 0, max: UPDATE_MASK_LENGTH_MAX }).optional(),
});

/** PATCH /v1/admin/tenants/{tenant_id}: a setting that the mask names and the body lacks is cleared. */
export function updateTenantRoute(deps: Deps): Route {
  return jsonRoute({
    operationId: 'adminUpdateTenant',
    summary: 'Changes the fields that update_mask names, or else those that are sent.',
    method: 'PATCH',
    path: '/v1/admin/tenants/{tenant_id}',
    surface: 'admin',
    permission: 'tenants.write',
    body: UpdateTenantRequest,
    query: UpdateQuery,
    answers: { 200: tenantAnswer },
    handle: async (body, { caller, params: { tenant_id: tenantId = '' }, principal, query }) => {
      const refused = refusedToTenants(principal);
      if (refused !== undefined) return refused;
      const read = parseQuery(query, UpdateQuery);
      if (!read.ok) return problemResponse(read.problem);
      const names = maskedNames(read.value.update_mask ?? '', body);
      if (names === undefined) return badRequest(MASK_RULE);
      const { name, hosts = [] } = body;
      if (names.has('name') && name === undefined) return badRequest('name: is required');
      const updated = await updateTenant(deps, {
        ...{ tenantId, caller, settings: settingsNamed(body, names) },
        ...(names.has('name') && name !== undefined ? { name } : {}),
        ...(names.has('hosts') ? { hosts } : {}),
      });
      return answerOf(updated, deps);
    },
  });
}

function answerOf(updated: UpdateOutcome, deps: Deps): Response {
  switch (updated.outcome) {
    case 'updated':
      return Response.json(tenantMessage(updated.tenant, deps));
    case 'invalid':
      return badRequest(updated.rule);
    case 'host_taken':
      return hostTaken();
    case 'changed_meanwhile': {
      const message = 'The tenant was changed by somebody else at the same time.';
      return problemResponse({ code: 'conflict', message });
    }
    case 'not_found':
      return tenantNotFound();
    case 'is_default':
      return isDefaultTenant();
  }
}

function badRequest(message: string): Response {
  return problemResponse({ code: 'bad_request', message });
}

const MASK_RULE = 'update_mask: names a field that is unknown or cannot be changed';
