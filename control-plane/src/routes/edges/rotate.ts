import type { Deps } from '../../deps.ts';
import { type RotateEdgeOutcome, rotateEdge } from '../../edges/change-edge.ts';
import { closedMessage } from '../../http/closed-message.ts';
import { problemResponse } from '../../http/problem.ts';
import { extendedDuration } from '../../http/protojson.ts';
import { jsonRoute, type Route } from '../../http/route.ts';
import { EDGE_OVERLAP_SECONDS_MAX } from '../../limits.ts';
import { edgeNotFound, edgeWithSecret, edgeWithSecretAnswer } from './edge-message.ts';

const RotateEdgeRequest = closedMessage({
  overlap: extendedDuration()
    .refine((seconds) => seconds >= 0 && seconds <= EDGE_OVERLAP_SECONDS_MAX, {
      error: `must be from 0s to ${EDGE_OVERLAP_SECONDS_MAX}s`,
    })
    .optional(),
});

/**
 * POST /v1/admin/edges/{edge_id}:rotate: 201 with the new secret, shown this once. Under the old one
 * keys are sealed for `overlap` more, by default not at all.
 */
export function rotateEdgeRoute(deps: Deps): Route {
  return jsonRoute({
    operationId: 'adminRotateEdge',
    summary: 'Gives an edge a new secret, shown this once; the old one may overlap.',
    method: 'POST',
    path: '/v1/admin/edges/{edge_id}:rotate',
    surface: 'admin',
    permission: 'edges.write',
    body: RotateEdgeRequest,
    answers: { 201: edgeWithSecretAnswer },
    handle: async ({ overlap: overlapSeconds = 0 }, { caller, params: { edge_id: edgeId = '' } }) =>
      answerOf(await rotateEdge(deps, { edgeId, caller, overlapSeconds })),
  });
}

function answerOf(rotated: RotateEdgeOutcome): Response {
  switch (rotated.outcome) {
    case 'rotated':
      return edgeWithSecret(rotated.edge, rotated.secret);
    case 'overlap_lasts': {
      const message = 'The overlap of the rotation before lasts.';
      return problemResponse({ code: 'failed_precondition', message });
    }
    case 'revoked': {
      const message = 'A revoked edge gets no new secret: register another one.';
      return problemResponse({ code: 'failed_precondition', message });
    }
    case 'not_found':
      return edgeNotFound();
  }
}
