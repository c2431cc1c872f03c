/** The update of a key, over HTTP: the same for both kinds. */

import type { z } from 'zod';
import type { ApiKey } from '../../api-keys/api-key.ts';
import { kindOfKeyId } from '../../api-keys/key-id.ts';
import { type UpdateApiKeyOutcome, updateApiKey } from '../../api-keys/update-api-key.ts';
import type { Deps } from '../../deps.ts';
import { problemResponse } from '../../http/problem.ts';
import { parseQuery, type RouteRequest } from '../../http/route.ts';
import { announcementHeader } from './announcement.ts';
import { apiKeyMessage } from './issued-api-key.ts';
import { type KeyUpdateBody, KeyUpdateQuery, readKeyUpdate } from './key-update.ts';

interface KeyUpdate {
  readonly kind: ApiKey['kind'];
  readonly body: z.output<typeof KeyUpdateBody>;
}

export async function answerUpdate(
  deps: Deps,
  { body, kind }: KeyUpdate,
  { caller, params: { key_id: keyId = '' }, query, tenant }: RouteRequest,
): Promise<Response> {
  const asked = parseQuery(query, KeyUpdateQuery);
  if (!asked.ok) return problemResponse(asked.problem);
  const { revoke_derived: revokeDerived = 'false', update_mask: mask = '' } = asked.value;
  const update = readKeyUpdate(body, { kind, mask });
  if (!update.ok) return problemResponse({ code: 'bad_request', message: update.rule });
  if (kindOfKeyId(keyId) !== kind) return problemResponse({ code: 'api_key_not_found' });
  const updated = await updateApiKey(deps, {
    ...{ tenant, caller, kind, keyId, changes: update.changes },
    revokesDerived: revokeDerived === 'true',
  });
  return answerOf(updated);
}

function answerOf(updated: UpdateApiKeyOutcome): Response {
  switch (updated.outcome) {
    case 'not_found':
      return problemResponse({ code: 'api_key_not_found' });
    case 'changed_meanwhile':
      return changedMeanwhile();
    case 'updated': {
      const { announcement, key, now } = updated;
      const headers = announcement === undefined ? {} : announcementHeader(announcement);
      return Response.json(apiKeyMessage(key, now), { headers });
    }
  }
}

/** Nothing was changed: the client may repeat the request. */
export function changedMeanwhile(): Response {
  const message = 'The API key was changed by others at the same time: try again.';
  return problemResponse({ code: 'conflict', message });
}
