import { findAdminCredential } from '../../admin-credentials/read-credentials.ts';
import type { Deps } from '../../deps.ts';
import { problemResponse } from '../../http/problem.ts';
import type { Route } from '../../http/route.ts';
import {
  adminCredentialAnswer,
  adminCredentialMessage,
  adminCredentialNotFound,
} from './admin-credential-message.ts';

/** GET /v1/admin/credentials/{credential_id} */
export function getAdminCredentialRoute(deps: Deps): Route {
  return {
    operationId: 'adminGetCredential',
    summary: 'Answers one admin credential, without its secret.',
    method: 'GET',
    path: '/v1/admin/credentials/{credential_id}',
    surface: 'admin',
    permission: 'admin_credentials.read',
    answers: { 200: adminCredentialAnswer },
    handle: async ({ params: { credential_id: credentialId = '' }, principal }) => {
      if (principal === undefined) return problemResponse({ code: 'forbidden' });
      const stored = await findAdminCredential(deps, principal, credentialId);
      if (stored === undefined) return adminCredentialNotFound();
      return Response.json(adminCredentialMessage(stored.credential, stored.now));
    },
  };
}
