import { z } from 'zod';
import { parseEventFilter } from '../../audit/filter.ts';
import { listEvents, visibleTo } from '../../audit/list-events.ts';
import type { Deps } from '../../deps.ts';
import { problemResponse } from '../../http/problem.ts';
import { parseQuery, type Route } from '../../http/route.ts';
import { PAGE_SIZE_DEFAULT } from '../../limits.ts';
import { AuditEventMessage, auditEventMessage } from '../messages/audit-event.ts';
import { ListQuery, PAGE_TOKEN_RULE } from '../messages/list-answer.ts';

const ListAnswer = z.strictObject({
  audit_events: z.array(AuditEventMessage),
  next_page_token: z.string().meta({ description: 'Empty on the last page.' }),
});

/** GET /v1/admin/auditEvents: newest first. Who is bound to a tenant sees that one's alone. */
export function listAuditEventsRoute(deps: Deps): Route {
  return {
    operationId: 'adminListAuditEvents',
    method: 'GET',
    path: '/v1/admin/auditEvents',
    surface: 'admin',
    permission: 'audit_events.read',
    summary: 'Who changed what, newest first.',
    query: ListQuery,
    answers: { 200: ListAnswer },
    handle: async ({ query: parameters, principal }) => {
      const query = parseQuery(parameters, ListQuery);
      if (!query.ok) return problemResponse(query.problem);
      const { page_size: pageSize, page_token: pageToken = '', filter: text = '' } = query.value;
      const read = parseEventFilter(text);
      if (!read.ok) {
        return problemResponse({ code: 'bad_request', message: `filter: ${read.rule}` });
      }
      const listed = await listEvents(deps, {
        filter: visibleTo(principal, read.filter),
        pageSize: pageSize || PAGE_SIZE_DEFAULT,
        ...(pageToken === '' ? {} : { pageToken }),
      });
      if (listed.outcome === 'page_token_invalid') {
        return problemResponse({ code: 'bad_request', message: PAGE_TOKEN_RULE });
      }
      return Response.json({
        audit_events: listed.events.map(auditEventMessage),
        next_page_token: listed.nextPageToken ?? '',
      });
    },
  };
}
