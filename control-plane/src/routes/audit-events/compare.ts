import { z } from 'zod';
import { compareExport } from '../../audit/compare-export.ts';
import type { Deps } from '../../deps.ts';
import { problemResponse } from '../../http/problem.ts';
import { jsonRoute, type Route } from '../../http/route.ts';
import { AUDIT_EVENTS_COMPARED_MAX } from '../../limits.ts';
import { AuditEventMessage, auditEventOf } from '../messages/audit-event.ts';
import { AuditProblem, auditProblem } from './problem-message.ts';

const CompareRequest = z.strictObject({
  audit_events: z.array(AuditEventMessage).max(AUDIT_EVENTS_COMPARED_MAX, {
    error: `must have at most ${AUDIT_EVENTS_COMPARED_MAX} events`,
  }),
});

const CompareAnswer = z.strictObject({
  compared_count: z.int(),
  pruned_count: z.int(),
  problem: AuditProblem.optional(),
});

/**
 * POST /v1/admin/auditEvents:compare: whether events of an export are in the log as they were
 * exported. The log itself is judged by `:verify`.
 */
export function compareAuditEventsRoute(deps: Deps): Route {
  return jsonRoute({
    operationId: 'adminCompareAuditEvents',
    method: 'POST',
    path: '/v1/admin/auditEvents:compare',
    surface: 'admin',
    permission: 'audit_events.read',
    summary: 'Whether the log still says what an export of it says.',
    body: CompareRequest,
    answers: { 200: CompareAnswer },
    handle: async ({ audit_events: messages }, { principal }) => {
      if (principal?.tenantId !== undefined) return problemResponse({ code: 'forbidden' });
      const compared = await compareExport(deps, messages.map(auditEventOf));
      const { comparedCount, prunedCount, problem } = compared;
      return Response.json({
        compared_count: comparedCount,
        pruned_count: prunedCount,
        problem: problem === undefined ? undefined : auditProblem(problem),
      });
    },
  });
}
