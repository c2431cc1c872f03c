import type { Deps } from '../../deps.ts';
import { keysOfEdge } from '../../edges/keys-of-edge.ts';
import type { Route } from '../../http/route.ts';
import { edgeNotFound, edgeWithKeysAnswer, edgeWithKeysMessage } from './edge-message.ts';

/** GET /v1/admin/edges/{edge_id} */
export function getEdgeRoute(deps: Deps): Route {
  return {
    operationId: 'adminGetEdge',
    summary: 'Answers one edge and the names of its keys, without its secret.',
    method: 'GET',
    path: '/v1/admin/edges/{edge_id}',
    surface: 'admin',
    permission: 'edges.read',
    answers: { 200: edgeWithKeysAnswer },
    handle: async ({ params: { edge_id: edgeId = '' } }) => {
      const edge = await deps.edges.find(edgeId);
      if (edge === undefined) return edgeNotFound();
      return Response.json(edgeWithKeysMessage(edge, await keysOfEdge(deps, edge)));
    },
  };
}
