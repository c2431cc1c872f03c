/**
 * What a new token descends from: an API key, or a derived token of it. Both come verified; whether
 * they are still good when the token is minted is for `minting-judgement` to say.
 */

import {
  EVERYTHING,
  formatScopeId,
  type ScopeId,
  scopeIdOfKey,
  scopeIdOfSigningKey,
  scopeIdOfUuid,
} from '@cardea/shared/feed/scope-id';
import { tokenScopesOf } from '@cardea/shared/feed/token-scopes';
import type { VerifiedClaims } from '@cardea/shared/jwt/claims';
import type { Bytes } from '@cardea/shared/macaroon/macaroon';
import { accept, type Result, refuse } from '@cardea/shared/result';
import { secondsOf, type UnixSeconds } from '@cardea/shared/time';
import type { ApiKey } from '../api-keys/api-key.ts';
import { endOfLife } from '../api-keys/status.ts';
import type { ActorScopes } from './actor-scopes.ts';
import type { Claims } from './custom-claims.ts';
import type { MintingMoment } from './minting-store.ts';

export type TokenParent =
  /** `moment`: read together with the key, for minting from it at once. */
  | { readonly kind: 'api_key'; readonly key: ApiKey; readonly moment?: MintingMoment }
  | {
      readonly kind: 'derived_token';
      /** As its caveats leave them (`parent-caveats`). */
      readonly claims: VerifiedClaims;
      /** Of the key that vouches for the token. */
      readonly kid: string;
      readonly audience: string;
      /** What a macaroon derived from it carries on. */
      readonly carriedCaveats: readonly Bytes[];
    };

/** Who a token belongs to, and everything by which it can be revoked but its own id and kid. */
export interface Lineage {
  readonly keyId: string;
  readonly actor: string;
  /** 16 hexadecimal digits. */
  readonly actorScopeId: string;
  /** Oldest first. */
  readonly ancestorTokenIds: readonly string[];
  readonly scopeIds: readonly ScopeId[];
  /** `iat` of the parent, if it is a token: a bound at or after it ends the line. */
  readonly parentIssuedAtSeconds?: UnixSeconds;
}

/** Refuses with `claims_malformed` when a token lacks a scope by which it could be revoked. */
export async function lineageOf(
  parent: TokenParent,
  actorScopes: ActorScopes,
): Promise<Result<Lineage>> {
  if (parent.kind === 'derived_token') return lineageOfToken(parent.claims, parent.kid);
  const { keyId, actorId } = parent.key;
  const actor = await actorScopes.of(parent.key);
  const scopeIds = scopeIdsOfKey(parent.key, actor);
  if (!scopeIds.ok) return scopeIds;
  return accept({
    keyId,
    actor: actorId,
    actorScopeId: formatScopeId(actor),
    ancestorTokenIds: [],
    scopeIds: scopeIds.value,
  });
}

/** Everything by which a token of this key can be revoked, but what is the token's own. */
export function scopeIdsOfKey(
  { tenantId, keyId }: Pick<ApiKey, 'tenantId' | 'keyId'>,
  actor: ScopeId,
): Result<readonly ScopeId[]> {
  const tenant = scopeIdOfUuid(tenantId);
  const key = scopeIdOfKey(keyId);
  if (tenant === undefined) return refuse('claims_malformed', { claim: 'nid' });
  if (key === undefined) return refuse('claims_malformed', { claim: 'sub' });
  return accept([EVERYTHING, tenant, key, actor]);
}

async function lineageOfToken(claims: VerifiedClaims, kid: string): Promise<Result<Lineage>> {
  const scopes = tokenScopesOf(claims, { scopeId: await scopeIdOfSigningKey(kid) });
  if (!scopes.ok) return scopes;
  const { keyId, actor, actorScopeId, ancestorTokenIds, tokenId } = claims;
  if (actor === undefined || actorScopeId === undefined) {
    return refuse('claims_malformed', { claim: 'act' });
  }
  return accept({
    ...{ keyId, actor, actorScopeId },
    ancestorTokenIds: [...ancestorTokenIds, tokenId],
    scopeIds: scopes.value.scopeIds,
    parentIssuedAtSeconds: claims.issuedAtSeconds,
  });
}

/** The most that a token of this parent can carry. */
export interface Grant {
  readonly scopes: readonly string[];
  readonly metadata: Claims;
  readonly visibility: 'secret' | 'public';
  readonly allowedCidrs?: readonly string[];
  /** Claims that the parent carries and that cannot be dropped. */
  readonly inheritedClaims: Claims;
  /** The parent's own end, if it has one. */
  readonly expiresAtSeconds?: UnixSeconds;
}

/** `currentKey` is the row as read for this token: an API key grants what it grants now. */
export function grantOf(parent: TokenParent, currentKey: ApiKey): Grant {
  const source = parent.kind === 'api_key' ? currentKey : parent.claims;
  const { allowedCidrs, metadata = {}, scopes, visibility = 'secret' } = source;
  const end = parent.kind === 'api_key' ? endOf(currentKey) : parent.claims.expiresAtSeconds;
  return {
    ...{ scopes, metadata, visibility },
    inheritedClaims: parent.kind === 'api_key' ? {} : parent.claims.customClaims,
    ...(allowedCidrs === undefined ? {} : { allowedCidrs }),
    ...(end === undefined ? {} : { expiresAtSeconds: end }),
  };
}

function endOf(key: ApiKey): UnixSeconds | undefined {
  const end = endOfLife(key);
  return end === undefined ? undefined : secondsOf(end);
}
