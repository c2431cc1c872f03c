/** Verifies one credential of any kind and says what it stands for. */

import { kindOfCredential } from '@cardea/shared/credential/kind';
import type { VerifiedClaims } from '@cardea/shared/jwt/claims';
import { accept, type Result, refuse } from '@cardea/shared/result';
import type { Deps } from '../deps.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type { ApiKey } from './api-key.ts';
import { authenticateApiKey, isUsableFrom } from './authenticate.ts';
import { CREDENTIAL_ROUTING } from './credential-routing.ts';

export type VerifiedCredential =
  | { readonly kind: 'api_key'; readonly key: ApiKey }
  | { readonly kind: 'derived_token'; readonly claims: VerifiedClaims };

interface Presentation {
  readonly tenant: Tenant;
  readonly clientAddress: string | undefined;
}

/**
 * Refuses as `authenticateApiKey` and `DerivedTokenVerifier` do; a token that is bound to addresses
 * with `ip_not_allowed`, a macaroon with `token_type_unsupported`.
 */
export async function verifyCredential(
  deps: Deps,
  text: string,
  presentation: Presentation,
): Promise<Result<VerifiedCredential>> {
  switch (kindOfCredential(text, CREDENTIAL_ROUTING)) {
    case 'jwt':
      return verifyDerivedToken(deps, text, presentation);
    case 'macaroon':
      return refuse('token_type_unsupported');
    case 'issued':
    case 'imported': {
      const authenticated = await authenticateApiKey(deps, text, presentation);
      if (!authenticated.ok) return authenticated;
      return accept({ kind: 'api_key', key: authenticated.value.key });
    }
  }
}

async function verifyDerivedToken(
  deps: Deps,
  text: string,
  { tenant, clientAddress }: Presentation,
): Promise<Result<VerifiedCredential>> {
  const verified = await deps.derivedTokens.verify(text, tenant);
  if (!verified.ok) return verified;
  const claims = verified.value;
  if (!isUsableFrom(clientAddress, claims.allowedCidrs)) return refuse('ip_not_allowed');
  return accept({ kind: 'derived_token', claims });
}
