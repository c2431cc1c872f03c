/** Derives a token from any credential: verifies it, then mints (Talos's `derive`). */

import { kindOfCredential } from '@cardea/shared/credential/kind';
import { refuse } from '@cardea/shared/result';
import { secondsOf } from '@cardea/shared/time';
import { isUsableFrom } from '../api-keys/authenticate.ts';
import { CREDENTIAL_ROUTING } from '../api-keys/credential-routing.ts';
import { type VerifiedCredential, verifyCredential } from '../api-keys/verify-credential.ts';
import type { Deps } from '../deps.ts';
import type { Tenant } from '../tenants/tenant.ts';
import { type MintOutcome, type MintRequest, mintToken } from './mint-token.ts';
import { narrowParent, type ParentCaveats, type TokenForm } from './parent-caveats.ts';
import type { TokenParent } from './token-parent.ts';

export interface PresentedCredential {
  readonly tenant: Tenant;
  readonly credential: string;
  readonly clientAddress: string | undefined;
}

export type DeriveOutcome = MintOutcome | Extract<ParentCaveats, { outcome: 'not_expressible' }>;

/** An API key or a derived token. A refused credential is `parent_refused` with its reason. */
export async function deriveToken(
  deps: Deps,
  presented: PresentedCredential,
  request: Omit<MintRequest, 'tenant'>,
): Promise<DeriveOutcome> {
  const kind = kindOfCredential(presented.credential, CREDENTIAL_ROUTING);
  const isToken = kind === 'jwt' || kind === 'macaroon';
  const parent = await (isToken
    ? tokenParentOf(deps, presented, request.form)
    : keyParentOf(deps, presented));
  if ('outcome' in parent) return parent;
  const { tenant } = presented;
  const minted = await mintToken(deps.minting, parent, { ...request, tenant });
  if (minted.outcome === 'minted') noteUse(deps, parent);
  return minted;
}

type KeyParent = Extract<VerifiedCredential, { kind: 'api_key' }>;
type DerivedParent = Extract<TokenParent, { kind: 'derived_token' }>;
type Refused = Exclude<DeriveOutcome, { outcome: 'minted' }>;

/** Of an API key. A token that a token is derived from is no use of the key itself. */
function noteUse({ lastUsed }: Pick<Deps, 'lastUsed'>, parent: KeyParent | DerivedParent): void {
  if (parent.kind === 'api_key') lastUsed.used(parent.key, parent.now);
}

async function keyParentOf(
  deps: Deps,
  { tenant, credential, clientAddress }: PresentedCredential,
): Promise<KeyParent | Refused> {
  const verified = await verifyCredential(deps, credential, { tenant, clientAddress });
  if (!verified.ok) return parentRefused(verified.refusal);
  if (verified.value.kind !== 'api_key') throw new TypeError('A key was verified as a token.');
  return verified.value;
}

async function tokenParentOf(
  deps: Deps,
  { tenant, credential, clientAddress }: PresentedCredential,
  form: TokenForm,
): Promise<DerivedParent | Refused> {
  const verified = await deps.derivedTokens.verify(credential, tenant);
  if (!verified.ok) return parentRefused(verified.refusal);
  const { audience, claims, kid } = verified.value;
  if (!isUsableFrom(clientAddress, claims.allowedCidrs)) {
    return parentRefused(refuse('ip_not_allowed').refusal);
  }
  const nowSeconds = secondsOf(deps.clock.now());
  const narrowed = narrowParent(verified.value, { nowSeconds, clientAddress, form });
  switch (narrowed.outcome) {
    case 'refused':
      return parentRefused(narrowed.refusal);
    case 'not_expressible':
      return narrowed;
    case 'narrowed': {
      const { carriedCaveats } = narrowed;
      return { kind: 'derived_token', claims: narrowed.claims, kid, audience, carriedCaveats };
    }
  }
}

function parentRefused(
  refusal: Extract<MintOutcome, { outcome: 'parent_refused' }>['refusal'],
): Extract<MintOutcome, { outcome: 'parent_refused' }> {
  return { outcome: 'parent_refused', refusal };
}
