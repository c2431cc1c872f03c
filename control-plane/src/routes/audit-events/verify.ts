import { z } from 'zod';
import { readKnownSeal } from '../../audit/known-seal.ts';
import { type LogVerification, verifyLog } from '../../audit/verify-log.ts';
import type { Deps } from '../../deps.ts';
import { problemResponse } from '../../http/problem.ts';
import { protoInt64, protoMessage } from '../../http/protojson.ts';
import { jsonRoute, type Route } from '../../http/route.ts';
import { AUDIT_EVENTS_VERIFIED_MAX } from '../../limits.ts';
import { AuditProblem, auditProblem } from './problem-message.ts';

const VerifyRequest = protoMessage({
  from_position: protoInt64()
    .transform(Number)
    .refine((position) => position >= 1 && Number.isSafeInteger(position), {
      error: 'must be at least 1',
    })
    .optional(),
});

const VerifyAnswer = z.strictObject({
  verified_count: z.int(),
  unsealed_count: z.int(),
  from_position: z.int(),
  head_position: z.int().optional(),
  next_position: z.int().optional(),
  problem: AuditProblem.optional(),
});

/**
 * POST /v1/admin/auditEvents:verify: walks the sealed events of every tenant from a position on, and
 * names the first problem. With `next_position` there are more: ask again from there.
 */
export function verifyAuditEventsRoute(deps: Deps): Route {
  return jsonRoute({
    operationId: 'adminVerifyAuditEvents',
    method: 'POST',
    path: '/v1/admin/auditEvents:verify',
    surface: 'admin',
    permission: 'audit_events.read',
    summary: 'Whether the audit log is whole, and which event is not.',
    body: VerifyRequest,
    answers: { 200: VerifyAnswer },
    handle: async ({ from_position: fromPosition }, { principal }) => {
      // One sequence for all tenants: who may see one of them alone cannot judge it.
      if (principal?.tenantId !== undefined) return problemResponse({ code: 'forbidden' });
      const { auditEvents: events, auditKey } = deps;
      const known = await readKnownSeal(deps);
      const parts = { events, auditKey, ...(known === undefined ? {} : { known }) };
      const countMax = AUDIT_EVENTS_VERIFIED_MAX;
      const walk = fromPosition === undefined ? { countMax } : { countMax, fromPosition };
      return Response.json(answerOf(await verifyLog(parts, walk)));
    },
  });
}

function answerOf(verification: LogVerification): z.output<typeof VerifyAnswer> {
  const { problem } = verification;
  return {
    verified_count: verification.verifiedCount,
    unsealed_count: verification.unsealedCount,
    from_position: verification.fromPosition,
    head_position: verification.headPosition,
    next_position: verification.nextPosition,
    problem: problem === undefined ? undefined : auditProblem(problem),
  };
}
