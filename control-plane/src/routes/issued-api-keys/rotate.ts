import type { z } from 'zod';
import { kindOfKeyId } from '../../api-keys/key-id.ts';
import { type RotateRequest, rotateApiKey } from '../../api-keys/rotate-api-key.ts';
import type { Deps } from '../../deps.ts';
import { problemResponse } from '../../http/problem.ts';
import { extendedDuration, protoMessage, protoString } from '../../http/protojson.ts';
import { jsonRoute, type Route } from '../../http/route.ts';
import { NAME_LENGTH_MAX, OVERLAP_SECONDS_MAX } from '../../limits.ts';
import { announcementHeader } from '../messages/announcement.ts';
import { rotateAnswer } from '../messages/answers.ts';
import {
  ipRestrictionField,
  metadataField,
  rateLimitPolicyField,
  scopesField,
} from '../messages/api-key-fields.ts';
import { keyVisibility } from '../messages/enums.ts';
import { apiKeyMessage, apiKeyPath } from '../messages/issued-api-key.ts';
import { changedMeanwhile } from '../messages/update-answer.ts';

/** What is absent is inherited from the old key; what is present overrides, even if it is empty. */
const RotateBody = protoMessage({
  name: protoString({ min: 0, max: NAME_LENGTH_MAX }).optional(),
  scopes: scopesField().optional(),
  metadata: metadataField().optional(),
  rate_limit_policy: rateLimitPolicyField().optional(),
  ip_restriction: ipRestrictionField().optional(),
  visibility: keyVisibility().optional(),
  /** Not in Talos. */
  overlap: extendedDuration()
    .refine((seconds) => Number.isInteger(seconds) && isWithinLimit(seconds), {
      error: `must be whole seconds, from 0s to ${OVERLAP_SECONDS_MAX}s`,
    })
    .optional(),
});

function isWithinLimit(seconds: number): boolean {
  return seconds >= 0 && seconds <= OVERLAP_SECONDS_MAX;
}

/** POST /v2alpha1/admin/issuedApiKeys/{key_id}:rotate */
export function rotateIssuedApiKeyRoute(deps: Deps): Route {
  return jsonRoute({
    operationId: 'adminRotateIssuedApiKey',
    summary: 'Replaces an API key; the old one ends at once, or after `overlap`.',
    method: 'POST',
    path: '/v2alpha1/admin/issuedApiKeys/{key_id}:rotate',
    surface: 'admin',
    permission: 'api_keys.write',
    body: RotateBody,
    answers: { 201: rotateAnswer },
    handle: async (body, { params: { key_id: keyId = '' }, tenant, caller }) => {
      if (kindOfKeyId(keyId) !== 'issued') return problemResponse({ code: 'api_key_not_found' });
      const rotated = await rotateApiKey(deps, { ...toRequest(keyId, body), tenant, caller });
      switch (rotated.outcome) {
        case 'not_found':
          return problemResponse({ code: 'api_key_not_found' });
        case 'changed_meanwhile':
          return changedMeanwhile();
        case 'overlap_too_long':
          return problemResponse({ code: 'bad_request', message: OVERLAP_RULE });
        case 'quota_exceeded':
          return problemResponse({ code: 'api_key_quota_exceeded' });
        case 'not_active':
          return problemResponse({
            code: 'failed_precondition',
            message: 'Only an active API key can be rotated.',
          });
        case 'rotated': {
          const { key, oldKey, text, announcement } = rotated;
          const message = {
            issued_api_key: apiKeyMessage(key, key.createTime),
            secret: text,
            old_issued_api_key: apiKeyMessage(oldKey, oldKey.updateTime),
          };
          const headers = {
            ...(announcement === undefined ? {} : announcementHeader(announcement)),
            Location: apiKeyPath(key),
          };
          return Response.json(message, { status: 201, headers });
        }
      }
    },
  });
}

const OVERLAP_RULE = 'overlap: is longer than what is left of the life of the old key';

function toRequest(
  keyId: string,
  body: z.output<typeof RotateBody>,
): Omit<RotateRequest, 'tenant' | 'caller'> {
  const { name, scopes, metadata, overlap = 0, visibility } = body;
  const { rate_limit_policy: policy, ip_restriction: cidrs } = body;
  return {
    keyId,
    overlapSeconds: overlap,
    ...(name === undefined ? {} : { name }),
    ...(scopes === undefined ? {} : { scopes }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(visibility === undefined ? {} : { visibility }),
    ...(policy === undefined ? {} : { rateLimitPolicy: policy }),
    ...(cidrs === undefined ? {} : { allowedCidrs: cidrs }),
  };
}
