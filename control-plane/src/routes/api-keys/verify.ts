import { outcomeName, useCredential } from '../../api-keys/use-credential.ts';
import { verifyCredential } from '../../api-keys/verify-credential.ts';
import { failureOf } from '../../audit/failure-sampler.ts';
import type { Deps } from '../../deps.ts';
import { protoMessage } from '../../http/protojson.ts';
import { jsonRoute, type Route } from '../../http/route.ts';
import { openOnFailure } from '../../rate-limits/open-on-failure.ts';
import { verifyAnswer } from '../messages/answers.ts';
import { credentialField } from '../messages/api-key-fields.ts';
import { rateLimitHeaders } from '../messages/rate-limit-headers.ts';
import { NOT_CACHED, verificationMessage } from '../messages/verify-response.ts';

const VerifyApiKeyRequest = protoMessage({ credential: credentialField() });

/** POST /v2alpha1/admin/apiKeys:verify: 200 for every credential, valid or not. */
export function verifyApiKeyRoute(deps: Deps): Route {
  const parts = { ...deps, limiter: openOnFailure(deps) };
  return jsonRoute({
    operationId: 'adminVerifyApiKey',
    method: 'POST',
    path: '/v2alpha1/admin/apiKeys:verify',
    surface: 'admin',
    permission: 'api_keys.verify',
    body: VerifyApiKeyRequest,
    summary: 'Verifies an API key or a derived token.',
    answers: { 200: verifyAnswer },
    handle: async ({ credential }, { caller, clientAddress, tenant }) => {
      const verified = await verifyCredential(deps, credential, { tenant, clientAddress });
      const use = await useCredential(parts, verified);
      const labels = { operation: 'verify', outcome: outcomeName(use) };
      deps.metrics.increment('cardea_verifications_total', labels);
      if (use.outcome === 'refused') {
        const { tenantId } = tenant;
        deps.failures.failed({ ...failureOf(use.refusal), tenantId, during: 'verify', caller });
      }
      const headers = { ...NOT_CACHED, ...rateLimitHeaders(use) };
      return Response.json(verificationMessage(use, tenant.issuer), { headers });
    },
  });
}
