import type { Deps } from '../../deps.ts';
import { problemResponse } from '../../http/problem.ts';
import { parseQuery, type Route } from '../../http/route.ts';
import { PAGE_SIZE_DEFAULT } from '../../limits.ts';
import { listTenants } from '../../tenants/list-tenants.ts';
import { PAGE_TOKEN_RULE, PageQuery } from '../messages/list-answer.ts';
import { defaultTenantMessage, tenantMessage, tenantsAnswer } from './tenant-message.ts';
import { refusedToTenants } from './tenant-problems.ts';

/** GET /v1/admin/tenants: the default tenant first. */
export function listTenantsRoute(deps: Deps): Route {
  return {
    operationId: 'adminListTenants',
    summary: 'Lists the tenants, the default one first.',
    method: 'GET',
    path: '/v1/admin/tenants',
    surface: 'admin',
    permission: 'tenants.read',
    query: PageQuery,
    answers: { 200: tenantsAnswer },
    handle: async (request) => {
      const refused = refusedToTenants(request.principal);
      if (refused !== undefined) return refused;
      const query = parseQuery(request.query, PageQuery);
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
