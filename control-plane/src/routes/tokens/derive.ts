import { METADATA_BYTES_MAX } from '@cardea/shared/limits';
import type { Refusal, RefusalReason } from '@cardea/shared/refusals';
import { unixMilliseconds } from '@cardea/shared/time';
import type { z } from 'zod';
import type { Deps } from '../../deps.ts';
import { problemResponse } from '../../http/problem.ts';
import {
  extendedDuration,
  protoEnum,
  protoMessage,
  protoString,
  protoStruct,
} from '../../http/protojson.ts';
import { jsonRoute, type Route } from '../../http/route.ts';
import { RETRY_AFTER_SECONDS } from '../../limits.ts';
import type { Tenant } from '../../tenants/tenant.ts';
import { AUDIENCE_LENGTH_MAX } from '../../tenants/tenant-settings.ts';
import { type DeriveOutcome, deriveToken } from '../../tokens/derive-token.ts';
import type { MintedToken } from '../../tokens/mint-token.ts';
import { deriveAnswer } from '../messages/answers.ts';
import { credentialField, scopesField } from '../messages/api-key-fields.ts';
import { timestamp } from '../messages/issued-api-key.ts';

const ALGORITHMS = {
  TOKEN_ALGORITHM_UNSPECIFIED: 'jwt',
  TOKEN_ALGORITHM_JWT: 'jwt',
  TOKEN_ALGORITHM_MACAROON: 'macaroon',
} as const;

const DeriveTokenRequest = protoMessage({
  credential: credentialField(),
  algorithm: protoEnum(ALGORITHMS).optional(),
  ttl: extendedDuration()
    .refine((seconds) => seconds >= 0, { error: 'must not be negative' })
    .optional(),
  scopes: scopesField().optional(),
  custom_claims: protoStruct({ bytesMax: METADATA_BYTES_MAX }).optional(),
  audience: protoString({ min: 0, max: AUDIENCE_LENGTH_MAX })
    .meta({ description: "Of a macaroon: one that an edge is registered for. Else the tenant's." })
    .optional(),
});

/** POST /v2alpha1/admin/apiKeys:derive: a token from an API key, or a narrower one from a token. */
export function deriveTokenRoute(deps: Deps): Route {
  return jsonRoute({
    operationId: 'adminDeriveToken',
    summary: 'Derives a short-lived token from an API key, or a narrower one from a token.',
    method: 'POST',
    path: '/v2alpha1/admin/apiKeys:derive',
    surface: 'admin',
    permission: 'tokens.derive',
    body: DeriveTokenRequest,
    answers: { 200: deriveAnswer },
    handle: async (body, { clientAddress, tenant }) => {
      const { credential } = body;
      const presented = { tenant, credential, clientAddress };
      return answerOf(await deriveToken(deps, presented, termsOf(body)), tenant);
    },
  });
}

function termsOf(body: z.output<typeof DeriveTokenRequest>) {
  const { algorithm: form = 'jwt', audience = '', custom_claims: customClaims = {} } = body;
  const { scopes = [], ttl } = body;
  return {
    ...{ form, scopes, customClaims, whenDefaultTooLong: 'refuse' as const },
    ...(audience === '' ? {} : { audience }),
    ...(ttl === undefined ? {} : { lifetimeSeconds: ttl }),
  };
}

function answerOf(outcome: DeriveOutcome, tenant: Tenant): Response {
  switch (outcome.outcome) {
    case 'minted':
      return tokenResponse(outcome.token);
    case 'parent_refused':
      return parentRefused(outcome.refusal);
    case 'scope_not_granted': {
      const message = 'scopes: one of them is not granted to the credential';
      return problemResponse({ code: 'forbidden', message });
    }
    case 'audience_not_granted':
      return badRequest('audience: a token of this kind and credential cannot be for it');
    case 'not_expressible':
      return problemResponse({
        code: 'caveat_not_expressible',
        metadata: { caveat: outcome.caveat },
      });
    case 'lifetime_too_long':
      return badRequest(`ttl must be at most ${tenant.derivedTokenTtlMaxSeconds} seconds`);
    case 'lifetime_exceeds_parent':
      return badRequest('ttl: the token would outlive its credential');
    case 'derived_too_often':
      return badRequest('credential: derived too often already');
    case 'token_too_large':
      return problemResponse({ code: 'token_too_large' });
    case 'not_ready': {
      const headers = { 'Retry-After': String(RETRY_AFTER_SECONDS) };
      return problemResponse({ code: 'service_unavailable' }, headers);
    }
  }
}

function tokenResponse(token: MintedToken): Response {
  const { customClaims, expiresAtSeconds, metadata, scopes, strippedClaims, text } = token;
  const message = {
    token: text,
    expire_time: timestamp(unixMilliseconds(expiresAtSeconds * 1000)),
    scopes,
    // Spreading copies own members as own members. Metadata wins: who issued overrules who derives.
    claims: { ...customClaims, ...metadata },
  };
  const names = strippedClaims.filter((name) => SAFE_NAME.test(name)).join(', ');
  const isAnyLeftOut = strippedClaims.length > 0;
  const headers: Record<string, string> = isAnyLeftOut ? { 'Cardea-Claims-Ignored': names } : {};
  return Response.json({ token: message }, { headers });
}

/** Names that may stand in a header; others are counted out. */
const SAFE_NAME = /^[A-Za-z0-9_.-]{1,64}$/;

/** 401 for every reason (Talos: 403 for a revoked key); what has become of the key itself has its own code. */
function parentRefused({ reason }: Refusal): Response {
  return problemResponse({ code: isOfKey(reason) ? reason : 'parent_key_invalid' });
}

function isOfKey(
  reason: RefusalReason,
): reason is 'api_key_revoked' | 'api_key_expired' | 'api_key_disabled' {
  return ['api_key_revoked', 'api_key_expired', 'api_key_disabled'].includes(reason);
}

function badRequest(message: string): Response {
  return problemResponse({ code: 'bad_request', message });
}
