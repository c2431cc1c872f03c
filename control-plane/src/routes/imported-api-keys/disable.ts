import type { Deps } from '../../deps.ts';
import { jsonRoute, type Route } from '../../http/route.ts';
import { apiKeyAnswer } from '../messages/answers.ts';
import { answerEnable, EnableBody } from '../messages/enable-answer.ts';

/** POST /v2alpha1/admin/importedApiKeys/{key_id}:disable. Not in Talos. */
export function disableImportedApiKeyRoute(deps: Deps): Route {
  return jsonRoute({
    operationId: 'adminDisableImportedApiKey',
    summary: 'Refuses an API key, and the tokens derived from it, until it is enabled.',
    method: 'POST',
    path: '/v2alpha1/admin/importedApiKeys/{key_id}:disable',
    surface: 'admin',
    permission: 'api_keys.write',
    body: EnableBody,
    answers: { 200: apiKeyAnswer },
    handle: (_, request) => answerEnable(deps, { kind: 'imported', isEnabled: false }, request),
  });
}
