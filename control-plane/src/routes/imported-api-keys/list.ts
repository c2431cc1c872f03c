import type { Deps } from '../../deps.ts';
import type { Route } from '../../http/route.ts';
import { importedApiKeysAnswer } from '../messages/answers.ts';
import { answerList, ListQuery } from '../messages/list-answer.ts';

/** GET /v2alpha1/admin/importedApiKeys */
export function listImportedApiKeysRoute(deps: Deps): Route {
  return {
    operationId: 'adminListImportedApiKeys',
    summary: 'Lists imported API keys, page by page.',
    method: 'GET',
    path: '/v2alpha1/admin/importedApiKeys',
    surface: 'admin',
    permission: 'api_keys.read',
    query: ListQuery,
    answers: { 200: importedApiKeysAnswer },
    handle: (request) => answerList(deps, 'imported', request),
  };
}
