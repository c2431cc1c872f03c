/** What is wrong with an audit log, as JSON. */

import { z } from 'zod';
import type { LogProblem } from '../../audit/verify-log.ts';
import { timestampText } from '../messages/answers.ts';
import { timestamp } from '../messages/issued-api-key.ts';

export const AuditProblem = z.strictObject({
  kind: z.enum(['altered', 'missing', 'added']),
  position: z.int().optional(),
  event_id: z.string().optional(),
  time: timestampText().optional(),
});

export function auditProblem({ kind, position, eventId, time }: LogProblem) {
  const isTime = time !== undefined && !Number.isNaN(new Date(time).getTime());
  return { kind, position, event_id: eventId, time: isTime ? timestamp(time) : undefined };
}
