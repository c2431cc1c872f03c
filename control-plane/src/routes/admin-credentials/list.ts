import { z } from 'zod';
import { listAdminCredentials } from '../../admin-credentials/read-credentials.ts';
import type { Deps } from '../../deps.ts';
import { problemResponse } from '../../http/problem.ts';
import { protoInt64, protoMessage, protoString } from '../../http/protojson.ts';
import { parseQuery, type Route } from '../../http/route.ts';
import { PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX, PAGE_TOKEN_LENGTH_MAX } from '../../limits.ts';
import { adminCredentialAnswer, adminCredentialMessage } from './admin-credential-message.ts';

const ListQuery = protoMessage({
  page_size: protoInt64()
    .transform(Number)
    .refine((size) => size >= 0 && size <= PAGE_SIZE_MAX, {
      error: `must be from 0 to ${PAGE_SIZE_MAX}`,
    })
    .optional(),
  page_token: protoString({ min: 0, max: PAGE_TOKEN_LENGTH_MAX }).optional(),
});

/** GET /v1/admin/credentials: of the whole deployment, or of the tenant that the caller is bound to. */
export function listAdminCredentialsRoute(deps: Deps): Route {
  return {
    operationId: 'adminListCredentials',
    summary: 'Lists admin credentials, revoked and expired ones included.',
    method: 'GET',
    path: '/v1/admin/credentials',
    surface: 'admin',
    permission: 'admin_credentials.read',
    query: ListQuery,
    answers: {
      200: z.strictObject({
        admin_credentials: z.array(adminCredentialAnswer),
        next_page_token: z.string().meta({ description: 'Empty on the last page.' }),
      }),
    },
    handle: async (request) => {
      const { principal } = request;
      if (principal === undefined) return problemResponse({ code: 'forbidden' });
      const query = parseQuery(request.query, ListQuery);
      if (!query.ok) return problemResponse(query.problem);
      const { page_size: size = 0, page_token: pageToken = '' } = query.value;
      const listed = await listAdminCredentials(deps, {
        principal,
        pageSize: size || PAGE_SIZE_DEFAULT,
        ...(pageToken === '' ? {} : { pageToken }),
      });
      if (listed.outcome === 'page_token_invalid') {
        const message = 'page_token: is not one of this listing, or has expired';
        return problemResponse({ code: 'bad_request', message });
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
