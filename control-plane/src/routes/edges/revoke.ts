import type { Deps } from '../../deps.ts';
import { revokeEdge } from '../../edges/change-edge.ts';
import { closedMessage } from '../../http/closed-message.ts';
import { problemResponse } from '../../http/problem.ts';
import { jsonRoute, type Route } from '../../http/route.ts';
import { edgeNotFound } from './edge-message.ts';

/** POST /v1/admin/edges/{edge_id}:revoke: 204. No key is sealed for it from then on. */
export function revokeEdgeRoute(deps: Deps): Route {
  return jsonRoute({
    operationId: 'adminRevokeEdge',
    summary: 'Ends an edge: it gets no more keys. Those it has end with their epochs.',
    method: 'POST',
    path: '/v1/admin/edges/{edge_id}:revoke',
    surface: 'admin',
    permission: 'edges.write',
    body: closedMessage({}),
    answers: { 204: null },
    handle: async (_, { caller, params: { edge_id: edgeId = '' } }) => {
      switch (await revokeEdge(deps, { edgeId, caller })) {
        case 'revoked':
          return new Response(null, { status: 204 });
        case 'already_revoked':
          return problemResponse({ code: 'conflict', message: 'It is revoked already.' });
        case 'not_found':
          return edgeNotFound();
      }
    },
  });
}
