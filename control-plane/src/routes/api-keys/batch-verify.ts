import { z } from 'zod';
import { outcomeName, useCredentials } from '../../api-keys/use-credential.ts';
import { verifyCredentials } from '../../api-keys/verify-credential.ts';
import { failureOf } from '../../audit/failure-sampler.ts';
import type { Deps } from '../../deps.ts';
import { protoMessage } from '../../http/protojson.ts';
import { jsonRoute, type Route } from '../../http/route.ts';
import { VERIFY_BATCH_MAX } from '../../limits.ts';
import { openOnFailure } from '../../rate-limits/open-on-failure.ts';
import { batchVerifyAnswer } from '../messages/answers.ts';
import { NOT_CACHED, verificationMessage } from '../messages/verify-response.ts';

/** Empty or too long a credential is that item's own error, not the batch's. */
const BatchVerifyApiKeysRequest = protoMessage({
  requests: z
    .array(protoMessage({ credential: z.string({ error: 'must be a string' }).default('') }), {
      error: 'must be an array of requests',
    })
    .min(1, { error: 'must have at least 1 element' })
    .max(VERIFY_BATCH_MAX, { error: `must have at most ${VERIFY_BATCH_MAX} elements` }),
});

/** POST /v2alpha1/admin/apiKeys:batchVerify: one result a credential, in the same order. */
export function batchVerifyRoute(deps: Deps): Route {
  const parts = { ...deps, limiter: openOnFailure(deps) };
  return jsonRoute({
    operationId: 'adminBatchVerifyApiKeys',
    method: 'POST',
    path: '/v2alpha1/admin/apiKeys:batchVerify',
    surface: 'admin',
    permission: 'api_keys.verify',
    body: BatchVerifyApiKeysRequest,
    summary: 'Verifies up to 100 API keys and derived tokens.',
    answers: { 200: batchVerifyAnswer },
    handle: async ({ requests }, { caller, clientAddress, tenant }) => {
      const texts = requests.map(({ credential }) => credential);
      const verified = await verifyCredentials(deps, texts, { tenant, clientAddress });
      const uses = await useCredentials(parts, verified);
      for (const use of uses) {
        const labels = { operation: 'batch_verify', outcome: outcomeName(use) };
        deps.metrics.increment('cardea_verifications_total', labels);
        if (use.outcome !== 'refused') continue;
        const { tenantId } = tenant;
        deps.failures.failed({ ...failureOf(use.refusal), tenantId, during: 'verify', caller });
      }
      const results = uses.map((use) => verificationMessage(use, tenant.issuer));
      return Response.json({ results }, { headers: NOT_CACHED });
    },
  });
}
