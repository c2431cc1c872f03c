import { z } from 'zod';
import type { Deps } from '../../deps.ts';
import { problemResponse } from '../../http/problem.ts';
import { parseQuery, type Route } from '../../http/route.ts';
import { PAGE_SIZE_DEFAULT } from '../../limits.ts';
import { parseRevocationFilter } from '../../revocations/filter.ts';
import { listRevocations } from '../../revocations/read-revocations.ts';
import { ListQuery, PAGE_TOKEN_RULE } from '../messages/list-answer.ts';
import { revocationAnswer, revocationMessage } from './revocation-message.ts';

const ListAnswer = z.strictObject({
  revocations: z.array(revocationAnswer),
  next_page_token: z.string().meta({ description: 'Empty on the last page.' }),
});

/** GET /v1/admin/revocations: whatever caused them, newest first. */
export function listRevocationsRoute(deps: Deps): Route {
  return {
    operationId: 'adminListRevocations',
    summary: 'Lists what has been revoked in the tenant, by whatever operation, newest first.',
    method: 'GET',
    path: '/v1/admin/revocations',
    surface: 'admin',
    permission: 'revocations.read',
    query: ListQuery,
    answers: { 200: ListAnswer },
    handle: async ({ query: parameters, tenant }) => {
      const query = parseQuery(parameters, ListQuery);
      if (!query.ok) return problemResponse(query.problem);
      const { page_size: pageSize, page_token: pageToken = '', filter: text = '' } = query.value;
      const read = parseRevocationFilter(text);
      if (!read.ok) {
        return problemResponse({ code: 'bad_request', message: `filter: ${read.rule}` });
      }
      const listed = await listRevocations(deps, {
        ...{ tenant, filter: read.filter, pageSize: pageSize || PAGE_SIZE_DEFAULT },
        ...(pageToken === '' ? {} : { pageToken }),
      });
      if (listed.outcome === 'page_token_invalid') {
        return problemResponse({ code: 'bad_request', message: PAGE_TOKEN_RULE });
      }
      const { nextPageToken = '', now, revocations } = listed;
      const { acknowledgesCommits } = deps.announcer;
      return Response.json({
        revocations: revocations.map((row) => revocationMessage(row, { now, acknowledgesCommits })),
        next_page_token: nextPageToken,
      });
    },
  };
}
