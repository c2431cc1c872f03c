import { z } from 'zod';
import type { Deps } from '../../deps.ts';
import { problemResponse } from '../../http/problem.ts';
import { jsonRoute, type Route } from '../../http/route.ts';
import { REVOCATION_BATCH_MAX } from '../../limits.ts';
import { createRevocations } from '../../revocations/create-revocations.ts';
import { announcementHeader } from '../messages/announcement.ts';
import { BatchCreateRevocationsRequest, toRequest, toWish } from './revocation-fields.ts';
import { revocationAnswer, revocationMessage } from './revocation-message.ts';
import { revocationProblem } from './revocation-problems.ts';

const BatchAnswer = z.strictObject({ revocations: z.array(revocationAnswer) });

/** POST /v1/admin/revocations:batchCreate: all of them or none, acknowledged together. */
export function batchCreateRevocationsRoute(deps: Deps): Route {
  return jsonRoute({
    operationId: 'adminBatchCreateRevocations',
    summary: `Revokes up to ${REVOCATION_BATCH_MAX} tokens, or cuts off keys and actors: all or none.`,
    method: 'POST',
    path: '/v1/admin/revocations:batchCreate',
    surface: 'admin',
    permission: 'revocations.write',
    body: BatchCreateRevocationsRequest,
    answers: { 201: BatchAnswer, 202: BatchAnswer },
    handle: async (body, { tenant, caller }) => {
      const wishes = body.revocations.map(toWish);
      const made = await createRevocations(deps, { tenant, caller, wishes, ...toRequest(body) });
      if (!('announcement' in made)) {
        return problemResponse(revocationProblem(made, (place) => `revocations.${place}.`));
      }
      const { announcement, now, revocations } = made;
      const { acknowledgesCommits } = deps.announcer;
      const messages = revocations.map((row) =>
        revocationMessage(row, { now, acknowledgesCommits }),
      );
      const status = announcement === 'acknowledged' ? 201 : 202;
      const headers = announcementHeader(announcement);
      return Response.json({ revocations: messages }, { status, headers });
    },
  });
}
