/** What the caveats of a macaroon leave of its claims, whatever the request. Pure. */

import type { VerifiedClaims } from '../jwt/claims.ts';
import type { ParsedCaveat } from './caveat.ts';

/**
 * The claims with the scopes that are in every `scope` caveat and the earliest end of all. It is for
 * telling others what the token is worth; it clears nothing: `clear.ts` asks every caveat, these too,
 * on every request.
 */
export function narrowClaims(
  claims: VerifiedClaims,
  caveats: readonly ParsedCaveat[],
): VerifiedClaims {
  let { scopes, expiresAtSeconds } = claims;
  for (const caveat of caveats) {
    if (caveat.kind === 'scopes') {
      scopes = scopes.filter((scope) => caveat.scopes.includes(scope));
    } else if (caveat.kind === 'expires' && caveat.atSeconds < expiresAtSeconds) {
      expiresAtSeconds = caveat.atSeconds;
    }
  }
  return { ...claims, scopes, expiresAtSeconds };
}
