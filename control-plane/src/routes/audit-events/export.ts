import { encodeUtf8 } from '@cardea/shared/bytes/utf8';
import { z } from 'zod';
import { type EventFilter, parseEventFilter } from '../../audit/filter.ts';
import { everyEvent, visibleTo } from '../../audit/list-events.ts';
import type { Deps } from '../../deps.ts';
import { problemResponse } from '../../http/problem.ts';
import { protoMessage, protoString } from '../../http/protojson.ts';
import { parseQuery, type Route } from '../../http/route.ts';
import { FILTER_LENGTH_MAX } from '../../limits.ts';
import { auditEventMessage } from '../messages/audit-event.ts';

const ExportQuery = protoMessage({
  filter: protoString({ min: 0, max: FILTER_LENGTH_MAX }).optional(),
});

const LINES = {
  mediaType: 'application/jsonl',
  schema: z.string().meta({ description: 'Each line is an audit event, as in a list of them.' }),
};

/**
 * GET /v1/admin/auditEvents:export: one JSON object a line (application/jsonl), newest first. An
 * export that an outage cuts short ends with an error of the connection, never like a whole one.
 */
export function exportAuditEventsRoute(deps: Deps): Route {
  return {
    operationId: 'adminExportAuditEvents',
    method: 'GET',
    path: '/v1/admin/auditEvents:export',
    surface: 'admin',
    permission: 'audit_events.read',
    summary: 'Every audit event of a filter, one JSON object a line.',
    query: ExportQuery,
    answers: { 200: LINES },
    handle: async ({ query: parameters, principal }) => {
      const query = parseQuery(parameters, ExportQuery);
      if (!query.ok) return problemResponse(query.problem);
      const read = parseEventFilter(query.value.filter ?? '');
      if (!read.ok) {
        return problemResponse({ code: 'bad_request', message: `filter: ${read.rule}` });
      }
      const body = await linesOf(deps, visibleTo(principal, read.filter));
      return new Response(body, { headers: { 'Content-Type': LINES.mediaType } });
    },
  };
}

/** Pages are read as the client takes them. The first is read before: its failure has a status. */
async function linesOf(deps: Deps, filter: EventFilter): Promise<ReadableStream<Uint8Array>> {
  const pages = everyEvent(deps, filter);
  let next = await pages.next();
  return new ReadableStream({
    async pull(controller) {
      if (next.done === true) return controller.close();
      const lines = next.value.map((event) => `${JSON.stringify(auditEventMessage(event))}\n`);
      next = await pages.next();
      controller.enqueue(encodeUtf8(lines.join('')));
    },
  });
}
