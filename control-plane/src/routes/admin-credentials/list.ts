import { z } from 'zod';
import { listAdminCredentials } from '../../admin-credentials/read-credentials.ts';
import type { Deps } from '../../deps.ts';
import { problemResponse } from '../../http/problem.ts';
import { parseQuery, type Route } from '../../http/route.ts';
import { PAGE_SIZE_DEFAULT } from '../../limits.ts';
import { PAGE_TOKEN_RULE, PageQuery } from '../messages/list-answer.ts';
import { adminCredentialAnswer, adminCredentialMessage } from './admin-credential-message.ts';

/** GET /v1/admin/credentials: of the whole deployment, or of the tenant that the caller is bound to. */
export function listAdminCredentialsRoute(deps: Deps): Route {
  return {
    operationId: 'adminListCredentials',
    summary: 'Lists admin credentials, revoked and expired ones included.',
    method: 'GET',
    path: '/v1/admin/credentials',
    surface: 'admin',
    permission: 'admin_credentials.read',
    query: PageQuery,
    answers: {
      200: z.strictObject({
        admin_credentials: z.array(adminCredentialAnswer),
        next_page_token: z.string().meta({ description: 'Empty on the last page.' }),
      }),
    },
    handle: async (request) => {
      const { principal } = request;
      if (principal === undefined) return problemResponse({ code: 'forbidden' });
      const query = parseQuery(request.query, PageQuery);
      if (!query.ok) return problemResponse(query.problem);
      const { page_size: size = 0, page_token: pageToken = '' } = query.value;
      const listed = await listAdminCredentials(deps, {
        principal,
        pageSize: size || PAGE_SIZE_DEFAULT,
        ...(pageToken === '' ? {} : { pageToken }),
      });
      if (listed.outcome === 'page_token_invalid') {
        return problemResponse({ code: 'bad_request', message: PAGE_TOKEN_RULE });
      }
      return Response.json({
        admin_credentials: listed.credentials.map((credential) =>
          adminCredentialMessage(credential, listed.now),
        ),
        next_page_token: listed.nextPageToken ?? '',
      });
    },
  };
}
