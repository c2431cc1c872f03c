/** Verifies credentials of any kind, one or many, and says what each stands for. */

import { kindOfCredential } from '@cardea/shared/credential/kind';
import type { VerifiedClaims } from '@cardea/shared/jwt/claims';
import { clearCaveats } from '@cardea/shared/macaroon/clear';
import { narrowClaims } from '@cardea/shared/macaroon/narrow-claims';
import { accept, type Result, refuse } from '@cardea/shared/result';
import { secondsOf, type UnixMilliseconds } from '@cardea/shared/time';
import type { Deps } from '../deps.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type { ApiKey } from './api-key.ts';
import {
  authenticateApiKey,
  isUsableFrom,
  judgeApiKey,
  type PresentedKey,
  presentedKeyOf,
  proveStored,
} from './authenticate.ts';
import { CREDENTIAL_ROUTING, isCredentialTooLong } from './credential-routing.ts';
import type { StoredApiKey } from './store.ts';

export type VerifiedCredential =
  /** `now`: the database's clock at the moment the key was read. */
  | { readonly kind: 'api_key'; readonly key: ApiKey; readonly now: UnixMilliseconds }
  | { readonly kind: 'derived_token'; readonly claims: VerifiedClaims };

export interface Presentation {
  readonly tenant: Tenant;
  readonly clientAddress: string | undefined;
}

/**
 * Refuses as `authenticateApiKey` and `DerivedTokenVerifier` do; a token that is bound to addresses
 * with `ip_not_allowed`; a macaroon as `clearCaveats` does. Whoever asks has no request to an API: a caveat
 * about one (method, path, host, tool, `ext:`) is not cleared here.
 */
export async function verifyCredential(
  deps: Deps,
  text: string,
  presentation: Presentation,
): Promise<Result<VerifiedCredential>> {
  switch (kindOfCredential(text, CREDENTIAL_ROUTING)) {
    case 'jwt':
    case 'macaroon':
      return verifyDerivedToken(deps, text, presentation);
    case 'issued':
    case 'imported': {
      const authenticated = await authenticateApiKey(deps, text, presentation);
      return authenticated.ok ? accept({ kind: 'api_key', ...authenticated.value }) : authenticated;
    }
  }
}

/**
 * The same verdicts in the same order, with one read of the database for all the keys among them. An
 * empty text is refused with `credential_missing`, one beyond the limits with `token_too_large`. At
 * most 100.
 */
export async function verifyCredentials(
  deps: Deps,
  texts: readonly string[],
  presentation: Presentation,
): Promise<ReadonlyArray<Result<VerifiedCredential>>> {
  const { tenant } = presentation;
  const presented = await Promise.all(texts.map((text) => presentedInBatch(deps, text, tenant)));
  const keyIds = presented.flatMap((one) => (one?.ok ? [one.value.keyId] : []));
  const stored = await findKeys(deps, tenant.tenantId, [...new Set(keyIds)]);
  return Promise.all(
    texts.map(async (text, i) => {
      const one = presented[i];
      if (one === undefined) return verifyCredential(deps, text, presentation);
      return one.ok ? verifyKey(one.value, stored, presentation) : one;
    }),
  );
}

/** `undefined` for tokens, which are verified each by itself. */
async function presentedInBatch(
  deps: Deps,
  text: string,
  tenant: Tenant,
): Promise<Result<PresentedKey> | undefined> {
  if (text === '') return refuse('credential_missing');
  if (isCredentialTooLong(text)) return refuse('token_too_large');
  const kind = kindOfCredential(text, CREDENTIAL_ROUTING);
  if (kind === 'jwt' || kind === 'macaroon') return undefined;
  return presentedKeyOf(deps, text, tenant);
}

async function findKeys(
  { apiKeys }: Pick<Deps, 'apiKeys'>,
  tenantId: string,
  keyIds: readonly string[],
): Promise<ReadonlyMap<string, StoredApiKey>> {
  return keyIds.length === 0 ? new Map() : apiKeys.findMany(tenantId, keyIds);
}

function verifyKey(
  presented: PresentedKey,
  stored: ReadonlyMap<string, StoredApiKey>,
  { clientAddress }: Presentation,
): Result<VerifiedCredential> {
  const proved = proveStored(presented, stored.get(presented.keyId));
  const judged = proved.ok ? judgeApiKey(proved.value, clientAddress) : proved;
  return judged.ok ? accept({ kind: 'api_key', ...judged.value }) : judged;
}

async function verifyDerivedToken(
  deps: Deps,
  text: string,
  { tenant, clientAddress }: Presentation,
): Promise<Result<VerifiedCredential>> {
  const verified = await deps.derivedTokens.verify(text, tenant);
  if (!verified.ok) return verified;
  const { audience, claims, narrowing } = verified.value;
  if (!isUsableFrom(clientAddress, claims.allowedCidrs)) return refuse('ip_not_allowed');
  if (narrowing === undefined) return accept({ kind: 'derived_token', claims });
  const { actor, keyId, scopes, tenantId, tokenId } = claims;
  const cleared = clearCaveats(narrowing.caveats, {
    ...{ nowSeconds: secondsOf(deps.clock.now()), clientAddress, audience },
    ...{ tenantId, keyId, tokenId, actor, grantedScopes: scopes, requiredScopes: [] },
  });
  if (!cleared.ok) return cleared;
  return accept({ kind: 'derived_token', claims: narrowClaims(claims, narrowing.caveats) });
}
