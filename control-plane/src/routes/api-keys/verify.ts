import type { RateLimitPolicy } from '../../api-keys/api-key.ts';
import { verifyCredential } from '../../api-keys/verify-credential.ts';
import type { Deps } from '../../deps.ts';
import { protoMessage } from '../../http/protojson.ts';
import { jsonRoute, type Route } from '../../http/route.ts';
import { credentialField } from '../messages/api-key-fields.ts';
import { invalidCredentialMessage, validCredentialMessage } from '../messages/verify-response.ts';

const VerifyApiKeyRequest = protoMessage({ credential: credentialField() });

/** POST /v2alpha1/admin/apiKeys:verify: 200 for every credential, valid or not. */
export function verifyApiKeyRoute(deps: Deps): Route {
  return jsonRoute({
    operationId: 'adminVerifyApiKey',
    method: 'POST',
    path: '/v2alpha1/admin/apiKeys:verify',
    surface: 'admin',
    permission: 'api_keys.verify',
    body: VerifyApiKeyRequest,
    handle: async ({ credential }, { clientAddress, tenant }) => {
      const verified = await verifyCredential(deps, credential, { tenant, clientAddress });
      if (!verified.ok) {
        return Response.json(invalidCredentialMessage(verified.refusal), { headers: NOT_CACHED });
      }
      const message = validCredentialMessage(verified.value, tenant.issuer);
      const policy =
        verified.value.kind === 'api_key' ? verified.value.key.rateLimitPolicy : undefined;
      return Response.json(message, { headers: { ...NOT_CACHED, ...rateLimitHeader(policy) } });
    },
  });
}

/** There is no verification cache: what is answered is true now. */
const NOT_CACHED = { 'Ory-Talos-Cache': 'SKIP' };

/** draft-ietf-httpapi-ratelimit-headers-10 §3: windows are whole seconds. */
function rateLimitHeader(policy: RateLimitPolicy | undefined): Record<string, string> {
  if (policy === undefined) return {};
  const window = Math.ceil(policy.windowSeconds);
  return { 'RateLimit-Policy': `"default";q=${policy.quota};w=${window}` };
}
