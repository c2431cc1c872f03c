import type { Deps } from '../../deps.ts';
import { problemResponse } from '../../http/problem.ts';
import type { Route } from '../../http/route.ts';
import { RETRY_AFTER_SECONDS } from '../../limits.ts';
import { jwksOf } from '../../signing-keys/published-keys.ts';
import { jwksAnswer } from '../messages/answers.ts';

/**
 * Shorter than any bound: a key is in the set for a whole bound before it signs. Public, because the
 * document is the same for everybody.
 */
const CACHE_CONTROL = 'public, max-age=30';

/**
 * GET /v2alpha1/derivedKeys/jwks.json: `keys` for readers of RFC 7517, `jwks` for Talos's client. An
 * empty set is an outage and not an answer: whoever caches it would refuse every token.
 */
export function jwksRoute(deps: Deps): Route {
  return {
    operationId: 'getJwks',
    summary: 'The public keys that verify derived tokens, as a JSON Web Key Set.',
    method: 'GET',
    path: '/v2alpha1/derivedKeys/jwks.json',
    surface: 'all',
    permission: 'anonymous',
    answers: { 200: jwksAnswer },
    handle: async ({ tenant: { tenantId } }) => {
      const keys = jwksOf(await deps.signingKeys.list(tenantId));
      if (keys.length === 0) {
        const headers = { 'Retry-After': String(RETRY_AFTER_SECONDS) };
        const message = 'There is no signing key yet.';
        return problemResponse({ code: 'service_unavailable', message }, headers);
      }
      const headers = { 'Cache-Control': CACHE_CONTROL };
      return Response.json({ keys, jwks: { keys } }, { headers });
    },
  };
}
