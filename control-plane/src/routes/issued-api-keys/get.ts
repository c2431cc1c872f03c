import { kindOfKeyId } from '../../api-keys/key-id.ts';
import type { Deps } from '../../deps.ts';
import { problemResponse } from '../../http/problem.ts';
import type { Route } from '../../http/route.ts';
import { issuedApiKeyMessage } from '../messages/issued-api-key.ts';

/** GET /v2alpha1/admin/issuedApiKeys/{key_id} */
export function getIssuedApiKeyRoute(deps: Deps): Route {
  return {
    operationId: 'adminGetIssuedApiKey',
    method: 'GET',
    path: '/v2alpha1/admin/issuedApiKeys/{key_id}',
    surface: 'admin',
    permission: 'api_keys.read',
    handle: async ({ params: { key_id: keyId = '' }, tenant: { tenantId } }) => {
      const isIssued = kindOfKeyId(keyId) === 'issued';
      const stored = isIssued ? await deps.apiKeys.find(tenantId, keyId) : undefined;
      if (stored === undefined) return problemResponse({ code: 'api_key_not_found' });
      return Response.json(issuedApiKeyMessage(stored.key, stored.now));
    },
  };
}
