import type { Deps } from '../../deps.ts';
import type { Route } from '../../http/route.ts';
import { apiKeyAnswer } from '../messages/answers.ts';
import { answerGet } from '../messages/get-answer.ts';

/** GET /v2alpha1/admin/importedApiKeys/{key_id} */
export function getImportedApiKeyRoute(deps: Deps): Route {
  return {
    operationId: 'adminGetImportedApiKey',
    summary: 'Tells about one imported API key.',
    method: 'GET',
    path: '/v2alpha1/admin/importedApiKeys/{key_id}',
    surface: 'admin',
    permission: 'api_keys.read',
    answers: { 200: apiKeyAnswer },
    handle: (request) => answerGet(deps, 'imported', request),
  };
}
