import type { Deps } from '../../deps.ts';
import type { Route } from '../../http/route.ts';
import { signingKeyMessage, signingKeysAnswer } from './signing-key-message.ts';

/** GET /v1/admin/signingKeys: every key with where it stands in its life; no private half. */
export function listSigningKeysRoute(deps: Deps): Route {
  return {
    operationId: 'adminListSigningKeys',
    summary: 'Lists the keys that sign derived tokens, and where each is in its life.',
    method: 'GET',
    path: '/v1/admin/signingKeys',
    surface: 'admin',
    permission: 'signing_keys.read',
    answers: { 200: signingKeysAnswer },
    handle: async ({ tenant: { tenantId } }) => {
      const keys = await deps.signingKeys.list(tenantId);
      return Response.json({ signing_keys: keys.map(signingKeyMessage) });
    },
  };
}
