import { z } from 'zod';
import type { Deps } from '../../deps.ts';
import { type DischargeOutcome, discharge } from '../../discharges/discharge.ts';
import { closedMessage } from '../../http/closed-message.ts';
import { problemResponse } from '../../http/problem.ts';
import { extendedDuration, protoString } from '../../http/protojson.ts';
import { jsonRoute, type Route } from '../../http/route.ts';
import { CAVEAT_ID_LENGTH_MAX, DISCHARGE_SECONDS_MAX } from '../../limits.ts';
import { credentialField } from '../messages/api-key-fields.ts';

const DischargeRequest = closedMessage({
  caveat_id: protoString({ min: 1, max: CAVEAT_ID_LENGTH_MAX }),
  credential: credentialField().optional(),
  ttl: extendedDuration()
    .refine((seconds) => seconds >= 1 && seconds <= DISCHARGE_SECONDS_MAX, {
      error: `must be from 1s to ${DISCHARGE_SECONDS_MAX}s`,
    })
    .optional(),
});

const dischargeAnswer = z.strictObject({
  discharge: z.string().meta({ description: 'base64url of the macaroon in binary form.' }),
  expires_in: z.int().meta({ description: 'Seconds.' }),
});

/** POST /v1/discharge: docs/discharge.md. */
export function dischargeRoute(deps: Deps): Route {
  return jsonRoute({
    operationId: 'discharge',
    summary: 'Discharges a third-party caveat: possession of a key, an actor, or freshness.',
    method: 'POST',
    path: '/v1/discharge',
    surface: 'public',
    permission: 'anonymous',
    body: DischargeRequest,
    answers: { 200: dischargeAnswer },
    handle: async ({ caveat_id: caveatId, credential, ttl }, request) => {
      const { caller, clientAddress, tenant } = request;
      const shown = credential === undefined ? {} : { credential };
      const lifetime = ttl === undefined ? {} : { lifetimeSeconds: Math.floor(ttl) };
      return answerOf(
        await discharge(deps, { tenant, caveatId, caller, clientAddress, ...shown, ...lifetime }),
      );
    },
  });
}

function answerOf(outcome: DischargeOutcome): Response {
  switch (outcome.outcome) {
    case 'discharged': {
      const { discharge: text, lifetimeSeconds } = outcome;
      const headers = { 'Cache-Control': 'no-store' };
      return Response.json({ discharge: text, expires_in: lifetimeSeconds }, { headers });
    }
    case 'caveat_unknown': {
      const message = 'caveat_id: is no caveat that is discharged here';
      return problemResponse({ code: 'bad_request', message });
    }
    case 'condition_not_met':
      return problemResponse({ code: 'discharge_refused' });
    case 'blocked': {
      const headers = { 'Retry-After': String(outcome.retryAfterSeconds) };
      return problemResponse({ code: 'too_many_requests' }, headers);
    }
  }
}
