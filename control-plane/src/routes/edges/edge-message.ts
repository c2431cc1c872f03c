/** An edge as JSON: what it gets keys for, and where it stands. Nothing of its secret. */

import { type UnixMilliseconds, unixMilliseconds } from '@cardea/shared/time';
import { z } from 'zod';
import type { Edge } from '../../edges/edge.ts';
import { problemResponse } from '../../http/problem.ts';
import type { MacaroonKey } from '../../macaroons/macaroon-key.ts';
import { timestampText } from '../messages/answers.ts';
import { timestamp } from '../messages/issued-api-key.ts';

export const edgeAnswer = z.strictObject({
  edge_id: z.string().meta({ description: 'For the setting EDGE_ID.' }),
  name: z.string(),
  tenants: z.array(z.string()),
  audiences: z.array(z.string()),
  status: z.enum(['active', 'revoked']),
  generation: z.int().meta({ description: 'Counts its secrets, from 1.' }),
  overlap_end_time: timestampText()
    .meta({ description: 'Until then the secret before opens keys as well.' })
    .optional(),
  create_time: timestampText(),
  update_time: timestampText(),
  revoke_time: timestampText().optional(),
});

export const edgeWithKeysAnswer = edgeAnswer.extend({
  keys: z
    .array(
      z.strictObject({
        kid: z.string().meta({ description: 'To be revoked by, if the key leaked.' }),
        tenant_id: z.string(),
        audience: z.string(),
        not_before_time: timestampText(),
        not_after_time: timestampText(),
      }),
    )
    .meta({ description: 'The macaroon keys in use for its tenants and audiences.' }),
});

export const edgeWithSecretAnswer = z.strictObject({
  edge: edgeAnswer,
  secret: z.string().meta({ description: 'For the setting EDGE_SECRET; shown once.' }),
});

/** `undefined` members are left out. */
export function edgeMessage(edge: Edge) {
  const { overlapEnd, revokeTime } = edge;
  return {
    edge_id: edge.edgeId,
    name: edge.name,
    tenants: edge.tenantIds,
    audiences: edge.audiences,
    status: revokeTime === undefined ? 'active' : 'revoked',
    generation: edge.generation,
    overlap_end_time: optionalTime(overlapEnd),
    create_time: timestamp(edge.createTime),
    update_time: timestamp(edge.updateTime),
    revoke_time: optionalTime(revokeTime),
  };
}

/** Nothing of the keys themselves. */
export function edgeWithKeysMessage(edge: Edge, keys: readonly MacaroonKey[]) {
  const time = (seconds: number) => timestamp(unixMilliseconds(seconds * 1000));
  return {
    ...edgeMessage(edge),
    keys: keys.map((key) => ({
      kid: key.kid,
      tenant_id: key.tenantId,
      audience: key.audience,
      not_before_time: time(key.notBeforeSeconds),
      not_after_time: time(key.notAfterSeconds),
    })),
  };
}

function optionalTime(time: UnixMilliseconds | undefined): string | undefined {
  return time === undefined ? undefined : timestamp(time);
}

export function edgeNotFound(): Response {
  return problemResponse({ code: 'not_found', message: 'There is no such edge.' });
}

/** 201 with the secret, which nobody can ask for again. */
export function edgeWithSecret(edge: Edge, secret: string): Response {
  const headers = { Location: `/v1/admin/edges/${edge.edgeId}` };
  return Response.json({ edge: edgeMessage(edge), secret }, { status: 201, headers });
}
