import { issueApiKey } from '../../api-keys/issue-api-key.ts';
import type { Deps } from '../../deps.ts';
import { problemResponse } from '../../http/problem.ts';
import { jsonRoute, type Route } from '../../http/route.ts';
import { issueAnswer } from '../messages/answers.ts';
import { apiKeyMessage, apiKeyPath } from '../messages/issued-api-key.ts';
import { IssueApiKeyRequest, REQUEST_ID_REUSED, TTL_RULES, toNewKey } from '../messages/new-key.ts';

/** POST /v2alpha1/admin/issuedApiKeys */
export function issueApiKeyRoute(deps: Deps): Route {
  return jsonRoute({
    operationId: 'adminIssueApiKey',
    summary: 'Issues an API key; its text is in this answer and nowhere else.',
    method: 'POST',
    path: '/v2alpha1/admin/issuedApiKeys',
    surface: 'admin',
    permission: 'api_keys.write',
    body: IssueApiKeyRequest,
    answers: { 201: issueAnswer },
    handle: async (body, { tenant, caller }) => {
      const issued = await issueApiKey(deps, { ...toNewKey(body), tenant, caller });
      switch (issued.outcome) {
        case 'issued':
        case 'replayed': {
          const message = {
            issued_api_key: apiKeyMessage(issued.key, issued.now),
            secret: issued.outcome === 'issued' ? issued.text : '',
          };
          const headers = { Location: apiKeyPath(issued.key) };
          return Response.json(message, { status: 201, headers });
        }
        case 'request_id_reused':
          return problemResponse({ code: 'conflict', message: REQUEST_ID_REUSED });
        case 'quota_exceeded':
          return problemResponse({ code: 'api_key_quota_exceeded' });
        default:
          return problemResponse({ code: 'bad_request', message: TTL_RULES[issued.outcome] });
      }
    },
  });
}
