import type { Deps } from '../../deps.ts';
import { jsonRoute, type Route } from '../../http/route.ts';
import { apiKeyAnswer } from '../messages/answers.ts';
import { KeyUpdateBody, KeyUpdateQuery } from '../messages/key-update.ts';
import { answerUpdate } from '../messages/update-answer.ts';

/** PATCH /v2alpha1/admin/importedApiKeys/{key_id} */
export function updateImportedApiKeyRoute(deps: Deps): Route {
  return jsonRoute({
    operationId: 'adminUpdateImportedApiKey',
    summary: 'Changes the fields that update_mask names, or else those that are sent.',
    method: 'PATCH',
    path: '/v2alpha1/admin/importedApiKeys/{key_id}',
    surface: 'admin',
    permission: 'api_keys.write',
    body: KeyUpdateBody,
    query: KeyUpdateQuery,
    answers: { 200: apiKeyAnswer },
    handle: (body, request) => answerUpdate(deps, { kind: 'imported', body }, request),
  });
}
