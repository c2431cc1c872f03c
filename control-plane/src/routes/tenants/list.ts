import type { Deps } from '../../deps.ts';
import { problemResponse } from '../../http/problem.ts';
import { protoInt64, protoMessage, protoString } from '../../http/protojson.ts';
import { parseQuery, type Route } from '../../http/route.ts';
import { PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX, PAGE_TOKEN_LENGTH_MAX } from '../../limits.ts';
import { listTenants } from '../../tenants/list-tenants.ts';
import { defaultTenantMessage, tenantMessage, tenantsAnswer } from './tenant-message.ts';
import { refusedToTenants } from './tenant-problems.ts';

const ListQuery = protoMessage({
  page_size: protoInt64()
    .transform(Number)
    .refine((size) => size >= 0 && size <= PAGE_SIZE_MAX, {
      error: `must be from 0 to ${PAGE_SIZE_MAX}`,
    })
    .optional(),
  page_token: protoString({ min: 0, max: PAGE_TOKEN_LENGTH_MAX }).optional(),
});

/** GET /v1/admin/tenants: the default tenant first. */
export function listTenantsRoute(deps: Deps): Route {
  return {
    operationId: 'adminListTenants',
    summary: 'Lists the tenants, the default one first.',
    method: 'GET',
    path: '/v1/admin/tenants',
    surface: 'admin',
    permission: 'tenants.read',
    query: ListQuery,
    answers: { 200: tenantsAnswer },
    handle: async (request) => {
      const refused = refusedToTenants(request.principal);
      if (refused !== undefined) return refused;
      const query = parseQuery(request.query, ListQuery);
      if (!query.ok) return problemResponse(query.problem);
      const { page_size: pageSize, page_token: pageToken = '' } = query.value;
      const listed = await listTenants(deps, {
        pageSize: pageSize || PAGE_SIZE_DEFAULT,
        ...(pageToken === '' ? {} : { pageToken }),
      });
      if (listed.outcome === 'page_token_invalid') {
        return problemResponse({ code: 'bad_request', message: PAGE_TOKEN_RULE });
      }
      const first = listed.startsWithDefault ? [defaultTenantMessage(deps)] : [];
      return Response.json({
        tenants: [...first, ...listed.tenants.map((tenant) => tenantMessage(tenant, deps))],
        next_page_token: listed.nextPageToken ?? '',
      });
    },
  };
}

const PAGE_TOKEN_RULE = 'page_token: is not one of this listing, or has expired';
