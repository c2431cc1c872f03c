import { importApiKey } from '../../api-keys/import-api-key.ts';
import type { Deps } from '../../deps.ts';
import { problemResponse } from '../../http/problem.ts';
import { jsonRoute, type Route } from '../../http/route.ts';
import { apiKeyAnswer } from '../messages/answers.ts';
import {
  ImportApiKeyRequest,
  importProblem,
  isWeakImport,
  toImportItem,
} from '../messages/import-request.ts';
import { apiKeyMessage, apiKeyPath } from '../messages/issued-api-key.ts';

/** POST /v2alpha1/admin/importedApiKeys */
export function importApiKeyRoute(deps: Deps): Route {
  return jsonRoute({
    operationId: 'adminImportApiKey',
    summary: 'Imports an API key that another system made; only a keyed hash of it is kept.',
    method: 'POST',
    path: '/v2alpha1/admin/importedApiKeys',
    surface: 'admin',
    permission: 'api_keys.write',
    body: ImportApiKeyRequest,
    answers: { 201: apiKeyAnswer },
    handle: async (body, { tenant, caller }) => {
      const item = toImportItem(body);
      const imported = await importApiKey(deps, item, { tenant, caller });
      if (!('key' in imported)) return problemResponse(importProblem(imported.outcome));
      const { key, now } = imported;
      const headers = {
        Location: apiKeyPath(key),
        ...(isWeakImport(item) ? { 'Cardea-Warning': WEAK } : {}),
      };
      return Response.json(apiKeyMessage(key, now), { status: 201, headers });
    },
  });
}

const WEAK = 'raw_key: has little entropy and may be guessed';
