/** Enabling and disabling a key, over HTTP: the same for both kinds. */

import type { ApiKey } from '../../api-keys/api-key.ts';
import { kindOfKeyId } from '../../api-keys/key-id.ts';
import { setKeyEnabled } from '../../api-keys/set-key-enabled.ts';
import type { Deps } from '../../deps.ts';
import { problemResponse } from '../../http/problem.ts';
import { protoMessage } from '../../http/protojson.ts';
import type { RouteRequest } from '../../http/route.ts';
import { announcementHeader } from './announcement.ts';
import { apiKeyMessage } from './issued-api-key.ts';
import { changedMeanwhile } from './update-answer.ts';

export const EnableBody = protoMessage({});

interface Wish {
  readonly kind: ApiKey['kind'];
  readonly isEnabled: boolean;
}

/** 200 with the key, also if it was so before. */
export async function answerEnable(
  deps: Deps,
  { isEnabled, kind }: Wish,
  { caller, params: { key_id: keyId = '' }, tenant }: RouteRequest,
): Promise<Response> {
  if (kindOfKeyId(keyId) !== kind) return problemResponse({ code: 'api_key_not_found' });
  const set = await setKeyEnabled(deps, { tenant, caller, kind, keyId, isEnabled });
  switch (set.outcome) {
    case 'not_found':
      return problemResponse({ code: 'api_key_not_found' });
    case 'changed_meanwhile':
      return changedMeanwhile();
    case 'not_live': {
      const message = 'An API key that is revoked or expired can neither be enabled nor disabled.';
      return problemResponse({ code: 'failed_precondition', message });
    }
    case 'set': {
      const { announcement, key, now } = set;
      const headers = announcement === undefined ? {} : announcementHeader(announcement);
      return Response.json(apiKeyMessage(key, now), { headers });
    }
  }
}
