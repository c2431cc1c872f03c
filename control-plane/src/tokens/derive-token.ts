/** Derives a token from any credential: verifies it, then mints (Talos's `derive`). */

import { parseJwt } from '@cardea/shared/jwt/parse';
import { accept, type Result } from '@cardea/shared/result';
import { type VerifiedCredential, verifyCredential } from '../api-keys/verify-credential.ts';
import type { Deps } from '../deps.ts';
import type { Tenant } from '../tenants/tenant.ts';
import { type MintOutcome, type MintRequest, mintToken } from './mint-token.ts';
import type { TokenParent } from './token-parent.ts';

interface PresentedCredential {
  readonly tenant: Tenant;
  readonly credential: string;
  readonly clientAddress: string | undefined;
}

/** An API key or a derived token. A refused credential is `parent_refused` with its reason. */
export async function deriveToken(
  deps: Deps,
  presented: PresentedCredential,
  request: Omit<MintRequest, 'tenant' | 'whenDefaultTooLong'>,
): Promise<MintOutcome> {
  const parent = await parentOf(deps, presented);
  if (!parent.ok) return { outcome: 'parent_refused', refusal: parent.refusal };
  const { tenant } = presented;
  const terms = { ...request, tenant, whenDefaultTooLong: 'refuse' } as const;
  const minted = await mintToken(deps.minting, parent.value, terms);
  if (minted.outcome === 'minted') noteUse(deps, parent.value);
  return minted;
}

/** Of an API key. A token that a token is derived from is no use of the key itself. */
function noteUse({ lastUsed }: Pick<Deps, 'lastUsed'>, parent: VerifiedParent): void {
  if (parent.kind === 'api_key') lastUsed.used(parent.key, parent.now);
}

type VerifiedParent =
  | Extract<VerifiedCredential, { kind: 'api_key' }>
  | Extract<TokenParent, { kind: 'derived_token' }>;

async function parentOf(
  deps: Deps,
  { tenant, credential, clientAddress }: PresentedCredential,
): Promise<Result<VerifiedParent>> {
  const verified = await verifyCredential(deps, credential, { tenant, clientAddress });
  if (!verified.ok) return verified;
  if (verified.value.kind === 'api_key') return accept(verified.value);
  const jwt = parseJwt(credential); // Verified above: only its `kid` is read once more.
  return jwt.ok ? accept({ ...verified.value, kid: jwt.value.unverifiedHeader.keyId }) : jwt;
}
