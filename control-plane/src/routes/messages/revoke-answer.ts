/** The administrator's revocation of a key, over HTTP: the same for every path that leads to it. */

import type { z } from 'zod';
import { type RevokeRequest, revokeApiKey } from '../../api-keys/revoke-api-key.ts';
import type { Deps } from '../../deps.ts';
import { problemResponse } from '../../http/problem.ts';
import { protoMessage, protoString } from '../../http/protojson.ts';
import { REVOCATION_DESCRIPTION_LENGTH_MAX } from '../../limits.ts';
import { announcementHeader } from './announcement.ts';
import { revocationReason } from './enums.ts';

export const RevokeBody = protoMessage({
  reason: revocationReason().optional(),
  description: protoString({ min: 0, max: REVOCATION_DESCRIPTION_LENGTH_MAX }).optional(),
});

/** 204 when the publisher holds the revocation, 202 when it will fetch it: nothing else differs. */
export async function answerRevoke(
  deps: Deps,
  ending: Pick<RevokeRequest, 'tenant' | 'caller' | 'keyId'>,
  { reason = 'unspecified', description = '' }: z.output<typeof RevokeBody>,
): Promise<Response> {
  if (description !== '' && reason !== 'privilege_withdrawn') {
    return problemResponse({ code: 'bad_request', message: DESCRIPTION_RULE });
  }
  const request = { ...ending, reason };
  const revoked = await revokeApiKey(
    deps,
    description === '' ? request : { ...request, description },
  );
  switch (revoked.outcome) {
    case 'not_found':
      return problemResponse({ code: 'api_key_not_found' });
    case 'already_revoked':
      return problemResponse({ code: 'conflict', message: 'key is already revoked' });
    case 'revoked': {
      const { announcement } = revoked;
      const status = announcement === 'acknowledged' ? 204 : 202;
      return new Response(null, { status, headers: announcementHeader(announcement) });
    }
  }
}

const DESCRIPTION_RULE = 'description: only with REVOCATION_REASON_PRIVILEGE_WITHDRAWN';
