import { revokeAdminCredential } from '../../admin-credentials/change-credential.ts';
import type { Deps } from '../../deps.ts';
import { closedMessage } from '../../http/closed-message.ts';
import { problemResponse } from '../../http/problem.ts';
import { jsonRoute, type Route } from '../../http/route.ts';
import { adminCredentialNotFound } from './admin-credential-message.ts';

/** POST /v1/admin/credentials/{credential_id}:revoke: 204, and it is refused from then on. */
export function revokeAdminCredentialRoute(deps: Deps): Route {
  return jsonRoute({
    operationId: 'adminRevokeCredential',
    summary: 'Ends an admin credential at once. Anybody may end his own.',
    method: 'POST',
    path: '/v1/admin/credentials/{credential_id}:revoke',
    surface: 'admin',
    permission: 'own_credential.write',
    body: closedMessage({}),
    answers: { 204: null },
    handle: async (_, { caller, params: { credential_id: credentialId = '' }, principal }) => {
      if (principal === undefined) return problemResponse({ code: 'forbidden' });
      const revoked = await revokeAdminCredential(deps, { principal, caller, credentialId });
      switch (revoked.outcome) {
        case 'revoked':
          return new Response(null, { status: 204 });
        case 'already_revoked':
          return problemResponse({ code: 'conflict', message: 'It is revoked already.' });
        case 'forbidden':
          return problemResponse({ code: 'forbidden' });
        case 'not_found':
          return adminCredentialNotFound();
      }
    },
  });
}
