import type { Deps } from '../../deps.ts';
import type { Route } from '../../http/route.ts';
import { apiKeyAnswer } from '../messages/answers.ts';
import { answerGet } from '../messages/get-answer.ts';

/** GET /v2alpha1/admin/issuedApiKeys/{key_id} */
export function getIssuedApiKeyRoute(deps: Deps): Route {
  return {
    operationId: 'adminGetIssuedApiKey',
    summary: 'Tells about one issued API key.',
    method: 'GET',
    path: '/v2alpha1/admin/issuedApiKeys/{key_id}',
    surface: 'admin',
    permission: 'api_keys.read',
    answers: { 200: apiKeyAnswer },
    handle: (request) => answerGet(deps, 'issued', request),
  };
}
