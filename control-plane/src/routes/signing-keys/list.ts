import type { Deps } from '../../deps.ts';
import type { Route } from '../../http/route.ts';
import { signingKeyMessage } from './signing-key-message.ts';

/** GET /v1/admin/signingKeys: every key with where it stands in its life; no private half. */
export function listSigningKeysRoute(deps: Deps): Route {
  return {
    operationId: 'adminListSigningKeys',
    method: 'GET',
    path: '/v1/admin/signingKeys',
    surface: 'admin',
    permission: 'signing_keys.read',
    handle: async ({ tenant: { tenantId } }) => {
      const keys = await deps.signingKeys.list(tenantId);
      return Response.json({ signing_keys: keys.map(signingKeyMessage) });
    },
  };
}
