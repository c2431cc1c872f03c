import { z } from 'zod';
import type { Deps } from '../../deps.ts';
import type { Route } from '../../http/route.ts';
import { edgeAnswer, edgeMessage } from './edge-message.ts';

/** GET /v1/admin/edges: all of them on one page, since there are few. */
export function listEdgesRoute(deps: Deps): Route {
  return {
    operationId: 'adminListEdges',
    summary: 'Lists the edges that verify macaroons, revoked ones included.',
    method: 'GET',
    path: '/v1/admin/edges',
    surface: 'admin',
    permission: 'edges.read',
    answers: { 200: z.strictObject({ edges: z.array(edgeAnswer) }) },
    handle: async () => {
      const { edges } = await deps.edges.list();
      return Response.json({ edges: edges.map(edgeMessage) });
    },
  };
}
