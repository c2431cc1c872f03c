import type { Deps } from '../../deps.ts';
import { jsonRoute, type Route } from '../../http/route.ts';
import { apiKeyAnswer } from '../messages/answers.ts';
import { answerEnable, EnableBody } from '../messages/enable-answer.ts';

/** POST /v2alpha1/admin/importedApiKeys/{key_id}:enable. Not in Talos. */
export function enableImportedApiKeyRoute(deps: Deps): Route {
  return jsonRoute({
    operationId: 'adminEnableImportedApiKey',
    summary: 'Lets a disabled API key work again.',
    method: 'POST',
    path: '/v2alpha1/admin/importedApiKeys/{key_id}:enable',
    surface: 'admin',
    permission: 'api_keys.write',
    body: EnableBody,
    answers: { 200: apiKeyAnswer },
    handle: (_, request) => answerEnable(deps, { kind: 'imported', isEnabled: true }, request),
  });
}
