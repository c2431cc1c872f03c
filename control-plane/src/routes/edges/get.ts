import type { Deps } from '../../deps.ts';
import type { Route } from '../../http/route.ts';
import { edgeAnswer, edgeMessage, edgeNotFound } from './edge-message.ts';

/** GET /v1/admin/edges/{edge_id} */
export function getEdgeRoute(deps: Deps): Route {
  return {
    operationId: 'adminGetEdge',
    summary: 'Answers one edge, without its secret.',
    method: 'GET',
    path: '/v1/admin/edges/{edge_id}',
    surface: 'admin',
    permission: 'edges.read',
    answers: { 200: edgeAnswer },
    handle: async ({ params: { edge_id: edgeId = '' } }) => {
      const edge = await deps.edges.find(edgeId);
      return edge === undefined ? edgeNotFound() : Response.json(edgeMessage(edge));
    },
  };
}
