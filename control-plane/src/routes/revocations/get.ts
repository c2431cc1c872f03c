import type { Deps } from '../../deps.ts';
import { problemResponse } from '../../http/problem.ts';
import type { Route } from '../../http/route.ts';
import { findRevocation } from '../../revocations/read-revocations.ts';
import { revocationAnswer, revocationMessage } from './revocation-message.ts';

/** GET /v1/admin/revocations/{revocation_id}: how far it is on its way to the edges. */
export function getRevocationRoute(deps: Deps): Route {
  return {
    operationId: 'adminGetRevocation',
    summary: 'Answers one revocation, and how far it is on its way to the edges.',
    method: 'GET',
    path: '/v1/admin/revocations/{revocation_id}',
    surface: 'admin',
    permission: 'revocations.read',
    answers: { 200: revocationAnswer },
    handle: async ({ params: { revocation_id: revocationId = '' }, tenant: { tenantId } }) => {
      const { revocations, now } = await findRevocation(deps, tenantId, revocationId);
      const [row] = revocations;
      if (row === undefined) {
        return problemResponse({ code: 'not_found', message: 'There is no such revocation.' });
      }
      const { acknowledgesCommits } = deps.announcer;
      return Response.json(revocationMessage(row, { now, acknowledgesCommits }));
    },
  };
}
