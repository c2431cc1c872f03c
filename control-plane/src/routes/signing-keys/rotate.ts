import { z } from 'zod';
import type { Deps } from '../../deps.ts';
import { problemResponse } from '../../http/problem.ts';
import { protoMessage } from '../../http/protojson.ts';
import { jsonRoute, type Route } from '../../http/route.ts';
import { startRotation } from '../../signing-keys/start-rotation.ts';
import { signingKeyAnswer, signingKeyMessage } from './signing-key-message.ts';

const ALGORITHMS = ['EdDSA', 'ES256', 'RS256'] as const;

const RotateSigningKeyRequest = protoMessage({
  algorithm: z.enum(ALGORITHMS, { error: 'must be EdDSA, ES256 or RS256' }).optional(),
});

/**
 * POST /v1/admin/signingKeys:rotate: 201 with the new key, still pending. It signs from the moment at
 * which every edge must know it; the present key goes on verifying until its last token has expired.
 */
export function rotateSigningKeyRoute(deps: Deps): Route {
  return jsonRoute({
    operationId: 'adminRotateSigningKey',
    summary: 'Makes a new signing key; it signs once every edge must know it.',
    method: 'POST',
    path: '/v1/admin/signingKeys:rotate',
    surface: 'admin',
    permission: 'signing_keys.write',
    body: RotateSigningKeyRequest,
    answers: { 201: z.strictObject({ signing_key: signingKeyAnswer }) },
    handle: async ({ algorithm = 'EdDSA' }, { tenant: { tenantId }, caller }) => {
      const rotated = await startRotation(deps, { tenantId, algorithm, caller });
      if (rotated.outcome === 'under_way') {
        const message = 'A replacement is under way: its key has not become active yet.';
        return problemResponse({ code: 'failed_precondition', message });
      }
      return Response.json({ signing_key: signingKeyMessage(rotated.key) }, { status: 201 });
    },
  });
}
