import type { z } from 'zod';
import { type IssueRequest, issueApiKey } from '../../api-keys/issue-api-key.ts';
import type { Deps } from '../../deps.ts';
import { problemResponse } from '../../http/problem.ts';
import { extendedDuration, protoMessage, protoString } from '../../http/protojson.ts';
import { jsonRoute, type Route } from '../../http/route.ts';
import { ACTOR_ID_LENGTH_MAX, NAME_LENGTH_MAX, REQUEST_ID_LENGTH_MAX } from '../../limits.ts';
import {
  ipRestrictionField,
  metadataField,
  rateLimitPolicyField,
  scopesField,
} from '../messages/api-key-fields.ts';
import { keyVisibility } from '../messages/enums.ts';
import { issuedApiKeyMessage, issuedApiKeyPath } from '../messages/issued-api-key.ts';

const IssueApiKeyRequest = protoMessage({
  name: protoString({ min: 1, max: NAME_LENGTH_MAX }),
  actor_id: protoString({ min: 1, max: ACTOR_ID_LENGTH_MAX }),
  scopes: scopesField().optional(),
  ttl: extendedDuration().optional(),
  metadata: metadataField().optional(),
  rate_limit_policy: rateLimitPolicyField().optional(),
  request_id: protoString({ min: 0, max: REQUEST_ID_LENGTH_MAX }).optional(),
  ip_restriction: ipRestrictionField().optional(),
  visibility: keyVisibility().optional(),
});

/** POST /v2alpha1/admin/issuedApiKeys */
export function issueApiKeyRoute(deps: Deps): Route {
  return jsonRoute({
    operationId: 'adminIssueApiKey',
    method: 'POST',
    path: '/v2alpha1/admin/issuedApiKeys',
    surface: 'admin',
    permission: 'api_keys.write',
    body: IssueApiKeyRequest,
    handle: async (body, { tenant, caller }) => {
      const issued = await issueApiKey(deps, { ...toRequest(body), tenant, caller });
      switch (issued.outcome) {
        case 'issued':
        case 'replayed': {
          const message = {
            issued_api_key: issuedApiKeyMessage(issued.key, issued.now),
            secret: issued.outcome === 'issued' ? issued.text : '',
          };
          const headers = { Location: issuedApiKeyPath(issued.key) };
          return Response.json(message, { status: 201, headers });
        }
        case 'request_id_reused':
          return problemResponse({ code: 'conflict', message: REQUEST_ID_REUSED });
        case 'quota_exceeded':
          return problemResponse({ code: 'api_key_quota_exceeded' });
        default:
          return problemResponse({ code: 'bad_request', message: TTL_RULES[issued.outcome] });
      }
    },
  });
}

const REQUEST_ID_REUSED = 'request_id: was used for another request';

const TTL_RULES = {
  ttl_not_positive: 'ttl must be greater than 0; non-expiring API keys are not supported',
  ttl_too_short: 'ttl must be at least 1 second',
  ttl_too_long: 'ttl exceeds the longest life that is configured for API keys',
} as const;

function toRequest(
  body: z.output<typeof IssueApiKeyRequest>,
): Omit<IssueRequest, 'tenant' | 'caller'> {
  const { ttl, metadata, rate_limit_policy: policy, ip_restriction: cidrs, request_id: id } = body;
  return {
    name: body.name,
    actorId: body.actor_id,
    scopes: body.scopes ?? [],
    visibility: body.visibility ?? 'secret',
    ...(ttl === undefined ? {} : { ttlSeconds: ttl }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(policy == null ? {} : { rateLimitPolicy: policy }),
    ...(cidrs == null ? {} : { allowedCidrs: cidrs }),
    ...(id === undefined || id === '' ? {} : { requestId: id }),
  };
}
