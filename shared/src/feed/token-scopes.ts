/** The scope ids of a token: everything by which it can be revoked. */

import type { VerifiedClaims } from '../jwt/claims.ts';
import { DERIVATION_DEPTH_MAX } from '../limits.ts';
import { accept, type Result, refuse } from '../result.ts';
import { FOR_GOOD } from './entry.ts';
import { EVERYTHING, parseScopeId, type ScopeId, scopeIdOfKey, scopeIdOfUuid } from './scope-id.ts';
import type { TokenScopes } from './snapshot.ts';

/**
 * The scopes of a verified token: token, ancestors, key, actor, tenant, signing key and everything.
 * Refuses with `claims_malformed` if one of them cannot be told, before any table is asked: a token
 * that cannot be revoked by one of its scopes is not accepted.
 *
 * `signingKey` is the key that verified the token; keys of a keyset carry their scope id
 * (elsewhere: `scopeIdOfSigningKey(kid)`).
 */
export function tokenScopesOf(
  claims: VerifiedClaims,
  signingKey: { readonly scopeId: ScopeId },
): Result<TokenScopes> {
  const issuedAtSeconds = claims.issuedAtSeconds;
  // A later `iat` would pass every bound, even the one that means for good.
  if (!Number.isInteger(issuedAtSeconds) || issuedAtSeconds > FOR_GOOD) {
    return refuse('claims_malformed', { claim: 'iat' });
  }
  if (claims.ancestorTokenIds.length > DERIVATION_DEPTH_MAX) {
    return refuse('claims_malformed', { claim: 'anc' });
  }
  const named: ReadonlyArray<readonly [claim: string, scopeId: ScopeId | undefined]> = [
    ['jti', scopeIdOfUuid(claims.tokenId)],
    ...claims.ancestorTokenIds.map((id) => ['anc', scopeIdOfUuid(id)] as const),
    ['sub', scopeIdOfKey(claims.keyId)],
    ['act_sid', parseScopeId(claims.actorScopeId ?? '')],
    ['nid', scopeIdOfUuid(claims.tenantId)],
  ];
  const scopeIds = [signingKey.scopeId, EVERYTHING];
  for (const [claim, scopeId] of named) {
    if (scopeId === undefined) return refuse('claims_malformed', { claim });
    scopeIds.push(scopeId);
  }
  return accept({ issuedAtSeconds, scopeIds });
}
