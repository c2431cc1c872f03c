import { deleteImportedApiKey } from '../../api-keys/delete-imported-api-key.ts';
import { kindOfKeyId } from '../../api-keys/key-id.ts';
import type { Deps } from '../../deps.ts';
import { problemResponse } from '../../http/problem.ts';
import type { Route } from '../../http/route.ts';
import { announcementHeader } from '../messages/announcement.ts';

/** DELETE /v2alpha1/admin/importedApiKeys/{key_id} */
export function deleteImportedApiKeyRoute(deps: Deps): Route {
  return {
    operationId: 'adminDeleteImportedApiKey',
    summary: 'Removes an imported API key, and cuts off the tokens derived from it.',
    method: 'DELETE',
    path: '/v2alpha1/admin/importedApiKeys/{key_id}',
    surface: 'admin',
    permission: 'api_keys.write',
    answers: { 202: null, 204: null },
    handle: async ({ params: { key_id: keyId = '' }, tenant, caller }) => {
      if (kindOfKeyId(keyId) !== 'imported') return problemResponse({ code: 'api_key_not_found' });
      const deleted = await deleteImportedApiKey(deps, { tenant, caller, keyId });
      if (deleted.outcome === 'not_found') return problemResponse({ code: 'api_key_not_found' });
      const { announcement } = deleted;
      const status = announcement === 'acknowledged' ? 204 : 202;
      return new Response(null, { status, headers: announcementHeader(announcement) });
    },
  };
}
