import { z } from 'zod';
import { credentialRefusal } from '../../api-keys/credential-refusals.ts';
import type { Deps } from '../../deps.ts';
import { makeCaveat, type WantedCondition } from '../../discharges/make-caveat.ts';
import { closedMessage } from '../../http/closed-message.ts';
import { problemResponse } from '../../http/problem.ts';
import { extendedDuration, protoString } from '../../http/protojson.ts';
import { jsonRoute, type Route } from '../../http/route.ts';
import { ACTOR_ID_LENGTH_MAX, DISCHARGE_SECONDS_MAX } from '../../limits.ts';
import { credentialField } from '../messages/api-key-fields.ts';

const KEY_ID = /^[0-9a-f-]{36}$|^[0-9a-f]{64}$/;

const MakeCaveatRequest = closedMessage({
  token: credentialField(),
  key_id: z.string().regex(KEY_ID, { error: 'must be the id of an API key' }).optional(),
  actor_id: protoString({ min: 1, max: ACTOR_ID_LENGTH_MAX }).optional(),
  fresh: extendedDuration()
    .refine((seconds) => Number.isInteger(seconds) && isFreshness(seconds), {
      error: `must be whole seconds from 1s to ${DISCHARGE_SECONDS_MAX}s`,
    })
    .optional(),
});

function isFreshness(seconds: number): boolean {
  return seconds >= 1 && seconds <= DISCHARGE_SECONDS_MAX;
}

const caveatAnswer = z.strictObject({
  location: z.string().meta({ description: 'Where to ask for the discharge.' }),
  caveat_id: z.string(),
  caveat_key: z.string().meta({ description: 'base64url of 32 bytes. For the caveat alone.' }),
});

/** POST /v1/discharge/caveats: docs/discharge.md. */
export function makeCaveatRoute(deps: Deps): Route {
  return jsonRoute({
    operationId: 'makeDischargeCaveat',
    summary: 'Makes a third-party caveat for a macaroon, which /v1/discharge discharges.',
    method: 'POST',
    path: '/v1/discharge/caveats',
    surface: 'public',
    permission: 'anonymous',
    body: MakeCaveatRequest,
    answers: { 200: caveatAnswer },
    handle: async (body, { clientAddress, tenant }) => {
      const condition = conditionOf(body);
      if (condition === undefined) {
        const message = 'key_id: exactly one of key_id, actor_id and fresh is required';
        return problemResponse({ code: 'bad_request', message });
      }
      const retryAfterSeconds = await deps.attempts.blockedForSeconds(clientAddress);
      if (retryAfterSeconds > 0) return blocked(retryAfterSeconds);
      const made = await makeCaveat(deps, { tenant, token: body.token, condition });
      if (!made.ok) {
        const blockedFor = await deps.attempts.failed(clientAddress);
        if (blockedFor > 0) return blocked(blockedFor);
        return problemResponse({ code: credentialRefusal(made.refusal.reason).problem });
      }
      const { caveatId, caveatKey } = made.value;
      const location = `${tenant.issuer.replace(/\/$/, '')}/v1/discharge`;
      const message = { location, caveat_id: caveatId, caveat_key: caveatKey };
      return Response.json(message, { headers: { 'Cache-Control': 'no-store' } });
    },
  });
}

function conditionOf(body: z.output<typeof MakeCaveatRequest>): WantedCondition | undefined {
  const { actor_id: actorId, fresh: seconds, key_id: keyId } = body;
  const wanted: readonly WantedCondition[] = [
    ...(keyId === undefined ? [] : [{ kind: 'key', keyId } as const]),
    ...(actorId === undefined ? [] : [{ kind: 'actor', actorId } as const]),
    ...(seconds === undefined ? [] : [{ kind: 'fresh', seconds } as const]),
  ];
  return wanted.length === 1 ? wanted[0] : undefined;
}

function blocked(retryAfterSeconds: number): Response {
  const headers = { 'Retry-After': String(retryAfterSeconds) };
  return problemResponse({ code: 'too_many_requests' }, headers);
}
