/** One key, over HTTP: the same for both kinds. */

import type { ApiKey } from '../../api-keys/api-key.ts';
import { kindOfKeyId } from '../../api-keys/key-id.ts';
import type { Deps } from '../../deps.ts';
import { problemResponse } from '../../http/problem.ts';
import type { RouteRequest } from '../../http/route.ts';
import { apiKeyMessage } from './issued-api-key.ts';

/** An id that cannot be one of this kind costs no read. */
export async function answerGet(
  deps: Deps,
  kind: ApiKey['kind'],
  { params: { key_id: keyId = '' }, tenant }: RouteRequest,
): Promise<Response> {
  const isPossible = kindOfKeyId(keyId) === kind;
  const stored = isPossible ? await deps.apiKeys.find(tenant.tenantId, keyId) : undefined;
  if (stored?.key.kind !== kind) return problemResponse({ code: 'api_key_not_found' });
  return Response.json(apiKeyMessage(stored.key, stored.now));
}
