import { kindOfKeyId } from '../../api-keys/key-id.ts';
import type { Deps } from '../../deps.ts';
import { problemResponse } from '../../http/problem.ts';
import { jsonRoute, type Route } from '../../http/route.ts';
import { answerRevoke, RevokeBody } from '../messages/revoke-answer.ts';

/** POST /v2alpha1/admin/apiKeys/{key_id}:revoke: of any kind of key, the id's shape says which. */
export function revokeApiKeyRoute(deps: Deps): Route {
  return jsonRoute({
    operationId: 'adminRevokeApiKey',
    summary: 'Ends an issued or an imported API key for good.',
    method: 'POST',
    path: '/v2alpha1/admin/apiKeys/{key_id}:revoke',
    surface: 'admin',
    permission: 'api_keys.write',
    body: RevokeBody,
    answers: { 202: null, 204: null },
    handle: async (body, { params: { key_id: keyId = '' }, tenant, caller }) => {
      if (kindOfKeyId(keyId) === undefined) return problemResponse({ code: 'api_key_not_found' });
      return answerRevoke(deps, { tenant, caller, keyId }, body);
    },
  });
}
