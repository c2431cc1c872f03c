/** Makes a third-party caveat that the control plane discharges, for whoever holds a macaroon. */

import { encodeBase64url } from '@cardea/shared/bytes/base64url';
import { formatScopeId, scopeIdOfSigningKey } from '@cardea/shared/feed/scope-id';
import { tokenScopesOf } from '@cardea/shared/feed/token-scopes';
import { isMacaroonToken } from '@cardea/shared/macaroon/token-text';
import { accept, type Result, refuse } from '@cardea/shared/result';
import type { Deps } from '../deps.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type { VerifiedDerivedToken } from '../tokens/derived-tokens.ts';
import { type DischargeCondition, formatCaveatId, newNonce } from './caveat-id.ts';
import { caveatKeyOf } from './discharge-root.ts';

/** What is asked for: of `fresh` the token says the rest. */
export type WantedCondition =
  | Extract<DischargeCondition, { kind: 'key' | 'actor' }>
  | { readonly kind: 'fresh'; readonly seconds: number };

export interface CaveatRequest {
  readonly tenant: Tenant;
  /** The macaroon that the caveat is for: whoever has it may narrow it. */
  readonly token: string;
  readonly condition: WantedCondition;
}

export interface MadeCaveat {
  readonly caveatId: string;
  /** base64url of 32 bytes. Secret: who has it can make discharges. */
  readonly caveatKey: string;
}

/** Refuses as `DerivedTokenVerifier` does, and with `token_type_unsupported` for a JWT. */
export async function makeCaveat(
  deps: Pick<Deps, 'derivedTokens' | 'dischargeRoot' | 'randomBytes'>,
  { tenant, token, condition: wanted }: CaveatRequest,
): Promise<Result<MadeCaveat>> {
  if (!isMacaroonToken(token)) return refuse('token_type_unsupported');
  const verified = await deps.derivedTokens.verify(token, tenant);
  if (!verified.ok) return verified;
  const condition = await conditionOf(wanted, verified.value);
  if (!condition.ok) return condition;
  const { tenantId } = tenant;
  const nonce = newNonce(deps.randomBytes);
  const caveatId = formatCaveatId({ tenantId, nonce, condition: condition.value });
  const key = await caveatKeyOf(await deps.dischargeRoot(), caveatId);
  return accept({ caveatId, caveatKey: encodeBase64url(key) });
}

async function conditionOf(
  wanted: WantedCondition,
  { claims, kid }: VerifiedDerivedToken,
): Promise<Result<DischargeCondition>> {
  if (wanted.kind !== 'fresh') return accept(wanted);
  const scopes = tokenScopesOf(claims, { scopeId: await scopeIdOfSigningKey(kid) });
  if (!scopes.ok) return scopes;
  const { issuedAtSeconds, tokenId } = claims;
  const scopeIds = scopes.value.scopeIds.map(formatScopeId);
  return accept({ ...wanted, tokenId, issuedAtSeconds, scopeIds });
}
