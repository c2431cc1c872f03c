/** What issuing and importing a key ask for alike, and how both are refused. */

import type { z } from 'zod';
import type { IssueRequest, TtlProblem } from '../../api-keys/issue-api-key.ts';
import { extendedDuration, protoMessage, protoString } from '../../http/protojson.ts';
import { ACTOR_ID_LENGTH_MAX, NAME_LENGTH_MAX, REQUEST_ID_LENGTH_MAX } from '../../limits.ts';
import {
  ipRestrictionField,
  metadataField,
  rateLimitPolicyField,
  scopesField,
} from './api-key-fields.ts';
import { keyVisibility } from './enums.ts';

export const newKeyFields = () => ({
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

export const IssueApiKeyRequest = protoMessage(newKeyFields());

export function toNewKey(
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

export const REQUEST_ID_REUSED =
  'request_id: was used for another request, or for a key that is gone';

export const TTL_RULES = {
  ttl_not_positive: 'ttl must be greater than 0; non-expiring API keys are not supported',
  ttl_too_short: 'ttl must be at least 1 second',
  ttl_too_long: 'ttl exceeds the longest life that is configured for API keys',
} as const satisfies Record<TtlProblem, string>;
