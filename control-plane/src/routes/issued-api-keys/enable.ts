import type { Deps } from '../../deps.ts';
import { jsonRoute, type Route } from '../../http/route.ts';
import { apiKeyAnswer } from '../messages/answers.ts';
import { answerEnable, EnableBody } from '../messages/enable-answer.ts';

/** POST /v2alpha1/admin/issuedApiKeys/{key_id}:enable. Not in Talos. */
export function enableIssuedApiKeyRoute(deps: Deps): Route {
  return jsonRoute({
    operationId: 'adminEnableIssuedApiKey',
    summary: 'Lets a disabled API key work again.',
    method: 'POST',
    path: '/v2alpha1/admin/issuedApiKeys/{key_id}:enable',
    surface: 'admin',
    permission: 'api_keys.write',
    body: EnableBody,
    answers: { 200: apiKeyAnswer },
    handle: (_, request) => answerEnable(deps, { kind: 'issued', isEnabled: true }, request),
  });
}
