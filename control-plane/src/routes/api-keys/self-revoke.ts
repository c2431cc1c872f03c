import { credentialRefusal } from '../../api-keys/credential-refusals.ts';
import { selfRevoke } from '../../api-keys/self-revoke.ts';
import type { Deps } from '../../deps.ts';
import { type ProblemCode, problemResponse } from '../../http/problem.ts';
import { protoMessage } from '../../http/protojson.ts';
import { jsonRoute, type Route } from '../../http/route.ts';
import { announcementHeader } from '../messages/announcement.ts';
import { selfRevokeAnswer } from '../messages/answers.ts';
import { credentialField } from '../messages/api-key-fields.ts';
import { revocationReason } from '../messages/enums.ts';

const SelfRevokeApiKeyRequest = protoMessage({
  credential: credentialField(),
  reason: revocationReason().optional(),
});

/** POST /v2alpha1/apiKeys:selfRevoke: no admin; whoever holds the key may end it. */
export function selfRevokeRoute(deps: Deps): Route {
  return jsonRoute({
    operationId: 'revokeApiKey',
    summary: 'Ends the API key that is presented: whoever holds it may.',
    method: 'POST',
    path: '/v2alpha1/apiKeys:selfRevoke',
    surface: 'public',
    permission: 'anonymous',
    body: SelfRevokeApiKeyRequest,
    answers: { 200: selfRevokeAnswer },
    handle: async ({ credential, reason = 'unspecified' }, { tenant, caller }) => {
      if (reason === 'privilege_withdrawn') {
        return problemResponse({ code: 'bad_request', message: REASON_RULE });
      }
      const ended = await selfRevoke(deps, { tenant, caller, credential, reason });
      if (!ended.ok) {
        const { reason: refusal } = ended.refusal;
        const code: ProblemCode =
          refusal === 'token_type_unsupported'
            ? 'derived_token_not_revocable'
            : credentialRefusal(refusal).problem;
        return problemResponse({ code });
      }
      // A body, because the official client reads one.
      if (ended.value.outcome === 'already_revoked') return Response.json({});
      return Response.json({}, { headers: announcementHeader(ended.value.announcement) });
    },
  });
}

const REASON_RULE = 'reason: REVOCATION_REASON_PRIVILEGE_WITHDRAWN is for administrators';
