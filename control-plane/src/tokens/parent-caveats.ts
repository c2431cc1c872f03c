/**
 * What the caveats of a macaroon are to a token that is derived from it. They must go on holding in the
 * child: a macaroon carries them on, byte for byte; a JWT has claims for some, and is not derived from
 * a token with any other. What can be asked without a request is asked here and now as well. Pure.
 */

import { intersectCidrs } from '@cardea/shared/ip/intersect-cidrs';
import type { VerifiedClaims } from '@cardea/shared/jwt/claims';
import { CIDRS_MAX } from '@cardea/shared/limits';
import type { ParsedCaveat } from '@cardea/shared/macaroon/caveat';
import { clearCaveats } from '@cardea/shared/macaroon/clear';
import { type Bytes, isThirdParty } from '@cardea/shared/macaroon/macaroon';
import { narrowClaims } from '@cardea/shared/macaroon/narrow-claims';
import type { Refusal } from '@cardea/shared/refusals';
import type { UnixSeconds } from '@cardea/shared/time';
import type { VerifiedDerivedToken } from './derived-tokens.ts';

export type TokenForm = 'jwt' | 'macaroon';

export interface PresentedAt {
  readonly nowSeconds: UnixSeconds;
  readonly clientAddress: string | undefined;
}

export type ParentCaveats =
  | {
      readonly outcome: 'narrowed';
      /** With what the caveats leave of scopes, life and, for a JWT, addresses. */
      readonly claims: VerifiedClaims;
      /** For a macaroon: to follow its base grant. */
      readonly carriedCaveats: readonly Bytes[];
    }
  | { readonly outcome: 'refused'; readonly refusal: Refusal }
  /** The child could not say what this kind of caveat says. */
  | { readonly outcome: 'not_expressible'; readonly caveat: string };

/** `form`: of the child. */
export function narrowParent(
  token: VerifiedDerivedToken,
  presented: PresentedAt & { readonly form: TokenForm },
): ParentCaveats {
  const { claims, narrowing } = token;
  if (narrowing === undefined) return { outcome: 'narrowed', claims, carriedCaveats: [] };
  const { caveats, ownCaveats } = narrowing;
  const carriedCaveats: Bytes[] = [];
  for (const caveat of ownCaveats) {
    // Its key is sealed into this very chain, and its discharge bound to it.
    if (isThirdParty(caveat)) return { outcome: 'not_expressible', caveat: 'third_party' };
    carriedCaveats.push(caveat.identifier);
  }
  const unfit = caveats.find((caveat) => !isFit(caveat, presented.form));
  if (unfit !== undefined) return { outcome: 'not_expressible', caveat: unfit.kind };
  const cleared = clearCaveats(caveats.filter(isAskedHere), {
    ...{ nowSeconds: presented.nowSeconds, clientAddress: presented.clientAddress },
    ...{ audience: token.audience, tenantId: claims.tenantId, keyId: claims.keyId },
    ...{ tokenId: claims.tokenId, actor: claims.actor },
    ...{ grantedScopes: claims.scopes, requiredScopes: [] },
  });
  if (!cleared.ok) return { outcome: 'refused', refusal: cleared.refusal };
  const narrowed = narrowClaims(claims, caveats);
  if (presented.form === 'macaroon') {
    return { outcome: 'narrowed', claims: narrowed, carriedCaveats };
  }
  const restricted = withAddresses(narrowed, caveats);
  if (restricted === undefined) return { outcome: 'not_expressible', caveat: 'addresses' };
  return { outcome: 'narrowed', claims: restricted, carriedCaveats: [] };
}

/** A `token` caveat names the parent: no child could ever clear it. */
function isFit({ kind }: ParsedCaveat, form: TokenForm): boolean {
  return form === 'macaroon' ? kind !== 'token' : !NOT_IN_A_JWT.has(kind);
}

type CaveatKind = ParsedCaveat['kind'];

/** About the request: a JWT has no claim for them. The others hold of the child as of the parent. */
const NOT_IN_A_JWT: ReadonlySet<CaveatKind> = new Set<CaveatKind>([
  ...(['methods', 'paths', 'hosts', 'tools', 'extension', 'token'] as const),
]);

/** About a request to an API, which this is none of. The edge asks them. */
const ASKED_AT_THE_EDGE: ReadonlySet<CaveatKind> = new Set<CaveatKind>([
  ...(['methods', 'paths', 'hosts', 'tools', 'extension'] as const),
]);

/** What is unknown or reserved too: it prohibits whatever is asked. */
function isAskedHere({ kind }: ParsedCaveat): boolean {
  return !ASKED_AT_THE_EDGE.has(kind);
}

/** `acl` for what is in every `ip` caveat; `undefined` if that is nothing, or too much for a token. */
function withAddresses(
  claims: VerifiedClaims,
  caveats: readonly ParsedCaveat[],
): VerifiedClaims | undefined {
  let { allowedCidrs } = claims;
  for (const caveat of caveats) {
    if (caveat.kind !== 'addresses') continue;
    const { cidrs } = caveat;
    allowedCidrs = allowedCidrs === undefined ? cidrs : intersectCidrs(allowedCidrs, cidrs);
  }
  if (allowedCidrs === undefined) return claims;
  // An empty list would be left out of the token, and so allow every address.
  if (allowedCidrs.length === 0 || allowedCidrs.length > CIDRS_MAX) return undefined;
  return { ...claims, allowedCidrs };
}
