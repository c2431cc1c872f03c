/**
 * First sight of a token: everything about it that holds for as long as it and its key do. A JWT is
 * proved by its signature, a macaroon by its chain and those of its discharges. What may change with
 * the request or the moment is left to `authorize.ts`, caveats among it. No I/O, no clock.
 */

import type { FeedSnapshot } from '@cardea/shared/feed/snapshot';
import { tokenScopesOf } from '@cardea/shared/feed/token-scopes';
import type { TokenPolicy } from '@cardea/shared/jwt/check-claims';
import type { VerifiedClaims } from '@cardea/shared/jwt/claims';
import { verifyJwtUnderKey } from '@cardea/shared/jwt/verify';
import { narrowClaims } from '@cardea/shared/macaroon/narrow-claims';
import { isMacaroonToken } from '@cardea/shared/macaroon/token-text';
import { verifyMacaroonToken } from '@cardea/shared/macaroon/verify-token';
import { accept, type Result } from '@cardea/shared/result';
import type { UnixSeconds } from '@cardea/shared/time';
import { identityHeadersOf } from './identity-headers.ts';
import type { VerifiedToken } from './verified-token-cache.ts';

export interface TokenVerification {
  readonly snapshot: FeedSnapshot;
  readonly policy: TokenPolicy;
  readonly nowSeconds: UnixSeconds;
}

/** Refuses as `verifyJwtUnderKey`, or `verifyMacaroonToken`, and `tokenScopesOf` do. */
export async function verifyToken(
  text: string,
  verification: TokenVerification,
): Promise<Result<VerifiedToken>> {
  const { snapshot, ...moment } = verification;
  if (isMacaroonToken(text)) {
    const macaroon = verifyMacaroonToken(text, { keys: snapshot.macaroonKeys, ...moment });
    if (!macaroon.ok) return macaroon;
    const { claims, key, caveats } = macaroon.value;
    // What the holder took away for good shows in what the origin is told, too.
    const token = describe(narrowClaims(claims, caveats), key, snapshot);
    return token.ok ? accept({ ...token.value, narrowing: { caveats, claims } }) : token;
  }
  const jwt = await verifyJwtUnderKey(text, { keys: snapshot.jwtKeys, ...moment });
  return jwt.ok ? describe(jwt.value.claims, jwt.value.key, snapshot) : jwt;
}

function describe(
  claims: VerifiedClaims,
  key: VerifiedToken['key'],
  { keysetHash }: FeedSnapshot,
): Result<VerifiedToken> {
  const revocationScopes = tokenScopesOf(claims, key);
  if (!revocationScopes.ok) return revocationScopes;
  const { issuedAtSeconds, notBeforeSeconds = issuedAtSeconds } = claims;
  return accept({
    keysetHash,
    key,
    notBeforeSeconds: notBeforeSeconds > issuedAtSeconds ? notBeforeSeconds : issuedAtSeconds,
    expiresAtSeconds: claims.expiresAtSeconds,
    revocationScopes: revocationScopes.value,
    scopes: claims.scopes,
    allowedCidrs: claims.allowedCidrs,
    identity: identityHeadersOf(claims),
    narrowing: undefined,
  });
}
