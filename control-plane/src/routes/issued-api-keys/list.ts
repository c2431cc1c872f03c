import type { Deps } from '../../deps.ts';
import type { Route } from '../../http/route.ts';
import { issuedApiKeysAnswer } from '../messages/answers.ts';
import { answerList, ListQuery } from '../messages/list-answer.ts';

/** GET /v2alpha1/admin/issuedApiKeys */
export function listIssuedApiKeysRoute(deps: Deps): Route {
  return {
    operationId: 'adminListIssuedApiKeys',
    summary: 'Lists issued API keys, page by page.',
    method: 'GET',
    path: '/v2alpha1/admin/issuedApiKeys',
    surface: 'admin',
    permission: 'api_keys.read',
    query: ListQuery,
    answers: { 200: issuedApiKeysAnswer },
    handle: (request) => answerList(deps, 'issued', request),
  };
}
