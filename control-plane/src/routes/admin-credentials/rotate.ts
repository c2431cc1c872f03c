import { z } from 'zod';
import {
  type RotateCredentialOutcome,
  rotateAdminCredential,
} from '../../admin-credentials/change-credential.ts';
import type { Deps } from '../../deps.ts';
import { closedMessage } from '../../http/closed-message.ts';
import { problemResponse } from '../../http/problem.ts';
import { extendedDuration } from '../../http/protojson.ts';
import { jsonRoute, type Route } from '../../http/route.ts';
import { ADMIN_CREDENTIAL_OVERLAP_SECONDS_MAX } from '../../limits.ts';
import {
  adminCredentialAnswer,
  adminCredentialMessage,
  adminCredentialNotFound,
  adminCredentialPath,
  secretText,
} from './admin-credential-message.ts';

const RotateRequest = closedMessage({
  overlap: extendedDuration()
    .refine((seconds) => seconds >= 0 && seconds <= ADMIN_CREDENTIAL_OVERLAP_SECONDS_MAX, {
      error: `must be from 0s to ${ADMIN_CREDENTIAL_OVERLAP_SECONDS_MAX}s`,
    })
    .optional(),
});

/**
 * POST /v1/admin/credentials/{credential_id}:rotate: 201 with the new credential's text, shown this
 * once. The old one is refused at once, or after `overlap`.
 */
export function rotateAdminCredentialRoute(deps: Deps): Route {
  return jsonRoute({
    operationId: 'adminRotateCredential',
    summary: 'Puts a new admin credential in the place of one. Anybody may rotate his own.',
    method: 'POST',
    path: '/v1/admin/credentials/{credential_id}:rotate',
    surface: 'admin',
    permission: 'own_credential.write',
    body: RotateRequest,
    answers: {
      201: z.strictObject({
        admin_credential: adminCredentialAnswer,
        secret: secretText(),
        old_admin_credential: adminCredentialAnswer,
      }),
    },
    handle: async (body, { caller, params: { credential_id: credentialId = '' }, principal }) => {
      if (principal === undefined) return problemResponse({ code: 'forbidden' });
      const { overlap: overlapSeconds = 0 } = body;
      const change = { principal, caller, credentialId, overlapSeconds };
      return answerOf(await rotateAdminCredential(deps, change));
    },
  });
}

function answerOf(rotated: RotateCredentialOutcome): Response {
  switch (rotated.outcome) {
    case 'replaced': {
      const { credential, old, text, now } = rotated;
      const message = {
        admin_credential: adminCredentialMessage(credential, now),
        secret: text,
        old_admin_credential: adminCredentialMessage(old, now),
      };
      const headers = { Location: adminCredentialPath(credential) };
      return Response.json(message, { status: 201, headers });
    }
    case 'not_active': {
      const message = 'Only an active credential that has not been rotated yet can be rotated.';
      return problemResponse({ code: 'failed_precondition', message });
    }
    case 'forbidden':
      return problemResponse({ code: 'forbidden' });
    case 'not_found':
      return adminCredentialNotFound();
  }
}
