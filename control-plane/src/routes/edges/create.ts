import { isUuidV4 } from '@cardea/shared/bytes/uuid';
import { z } from 'zod';
import type { Deps } from '../../deps.ts';
import { type RegisterEdgeOutcome, registerEdge } from '../../edges/register-edge.ts';
import { closedMessage } from '../../http/closed-message.ts';
import { problemResponse } from '../../http/problem.ts';
import { jsonRoute, type Route } from '../../http/route.ts';
import { EDGE_AUDIENCES_MAX, EDGE_PAIRS_MAX, EDGE_TENANTS_MAX } from '../../limits.ts';
import { AUDIENCE_LENGTH_MAX, isAudience } from '../../tenants/tenant-settings.ts';
import { edgeWithSecret, edgeWithSecretAnswer } from './edge-message.ts';

/** The same as `EDGE_NAME` of an edge worker (docs/configuration.md). */
const NAME = /^[A-Za-z0-9._-]{1,64}$/;

const CreateEdgeRequest = closedMessage({
  name: z
    .string({ error: 'is required' })
    .regex(NAME, { error: 'must be 1 to 64 of A–Z a–z 0–9 . _ -' }),
  tenants: textSet(EDGE_TENANTS_MAX, { is: isUuidV4, rule: 'each must be the id of a tenant' }),
  audiences: textSet(EDGE_AUDIENCES_MAX, {
    is: isAudience,
    rule: `each must have 1 to ${AUDIENCE_LENGTH_MAX} characters, none of them a space`,
  }),
});

/** Different texts, at least one. */
function textSet(
  max: number,
  { is, rule }: { readonly is: (text: string) => boolean; readonly rule: string },
) {
  const size = `must be a list of 1 to ${max} different texts`;
  return z
    .array(z.string({ error: size }), { error: size })
    .min(1, { error: size })
    .max(max, { error: size })
    .refine((texts) => new Set(texts).size === texts.length, { error: size })
    .refine((texts) => texts.every(is), { error: rule });
}

/** POST /v1/admin/edges: 201 with the edge's secret, shown this once. */
export function createEdgeRoute(deps: Deps): Route {
  return jsonRoute({
    operationId: 'adminCreateEdge',
    summary: 'Registers an edge that verifies macaroons; its secret is shown this once.',
    method: 'POST',
    path: '/v1/admin/edges',
    surface: 'admin',
    permission: 'edges.write',
    body: CreateEdgeRequest,
    answers: { 201: edgeWithSecretAnswer },
    handle: async ({ name, tenants: tenantIds, audiences }, { caller }) =>
      answerOf(await registerEdge(deps, { caller, name, tenantIds, audiences })),
  });
}

function answerOf(registered: RegisterEdgeOutcome): Response {
  switch (registered.outcome) {
    case 'registered':
      return edgeWithSecret(registered.edge, registered.secret);
    case 'tenant_unknown':
      return problemResponse({ code: 'not_found', message: 'There is no such tenant.' });
    case 'name_taken':
      return problemResponse({ code: 'conflict', message: 'An edge has or had this name.' });
    case 'too_many': {
      const message = `All edges together get at most ${EDGE_PAIRS_MAX} keys at a time.`;
      return problemResponse({ code: 'failed_precondition', message });
    }
  }
}
