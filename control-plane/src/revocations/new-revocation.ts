/** Builds revocation rows. Pure: ids and durations come from the caller, times from the database. */

import {
  EVERYTHING,
  type ScopeId,
  scopeIdOfKey,
  scopeIdOfUuid,
} from '@cardea/shared/feed/scope-id';
import type { UnixSeconds } from '@cardea/shared/time';
import type { NewRevocation, RevocationScope } from './revocation.ts';

export interface RevocationCause {
  /** A version-4 UUID. */
  readonly revocationId: string;
  readonly tenantId: string;
  /** The operation that causes it, e.g. `api_key.revoke`. */
  readonly cause: string;
  /** Longest token lifetime + clock skew, seconds: see {@link revocationLivesSeconds}. */
  readonly livesSeconds: number;
  /** In the words of whoever revokes. */
  readonly reason?: string;
}

/** Where a cut-off lies: at the database's clock when the row is written, or at a second of its own. */
export type CutOffBound = 'at_commit' | UnixSeconds;

/** How long a revocation matters: as long as a token that it could match may live. */
export function revocationLivesSeconds(limits: {
  readonly derivedTokenTtlSecondsMax: number;
  readonly clockSkewSeconds: number;
}): number {
  return limits.derivedTokenTtlSecondsMax + limits.clockSkewSeconds;
}

/** The key is gone for good: revoked, self-revoked or rotated. Issued and imported keys alike. */
export function revocationOfKey(
  cause: RevocationCause & { readonly keyId: string; readonly effectiveAfterSeconds?: number },
): NewRevocation {
  const { effectiveAfterSeconds: delay, keyId } = cause;
  const scopeId = scopeIdOfKey(keyId);
  const revocation = revocationOf(cause, 'for_good', { scope: 'key', scopeId, subject: keyId });
  return delay === undefined ? revocation : { ...revocation, effectiveAfterSeconds: delay };
}

/** Tokens of the key from before the bound: it is disabled, deleted, grants less, or its tokens leaked. */
export function cutOffOfKey(
  cause: RevocationCause & { readonly keyId: string; readonly bound?: CutOffBound },
): NewRevocation {
  const { bound = 'at_commit', keyId } = cause;
  return revocationOf(cause, bound, {
    ...{ scope: 'key', scopeId: scopeIdOfKey(keyId), subject: keyId },
  });
}

/** The tenant is gone for good, and with it whatever was derived in it. */
export function revocationOfTenant(cause: RevocationCause): NewRevocation {
  return revocationOf(cause, 'for_good', tenantScope(cause));
}

/** Whatever was derived in the tenant up to the bound. */
export function cutOffOfTenant(
  cause: RevocationCause & { readonly bound: CutOffBound },
): NewRevocation {
  return revocationOf(cause, cause.bound, tenantScope(cause));
}

/** One derived token, and whatever was derived from it, is gone for good. */
export function revocationOfToken(
  cause: RevocationCause & { readonly tokenId: string },
): NewRevocation {
  const { tokenId } = cause;
  return revocationOf(cause, 'for_good', {
    ...{ scope: 'token', scopeId: scopeIdOfUuid(tokenId), subject: tokenId },
  });
}

/** Whatever was derived for the actor, of whichever key, up to the bound. */
export function cutOffOfActor(
  cause: RevocationCause & {
    readonly actor: string;
    /** `scopeIdOfActor`: a keyed hash, so it cannot be made here. */
    readonly scopeId: ScopeId;
    readonly bound: CutOffBound;
  },
): NewRevocation {
  const { actor, bound, scopeId } = cause;
  return revocationOf(cause, bound, { scope: 'actor', scopeId, subject: actor });
}

/** Whatever the key has signed, now and for good: the publisher retires it and makes another. */
export function revocationOfSigningKey(
  cause: RevocationCause & {
    readonly kid: string;
    /** `scopeIdOfSigningKey`. */
    readonly scopeId: ScopeId;
  },
): NewRevocation {
  const { kid, scopeId } = cause;
  return revocationOf(cause, 'for_good', { scope: 'signing_key', scopeId, subject: kid });
}

/** Every token of the deployment, of every tenant, up to the bound. */
export function cutOffOfEverything(
  cause: RevocationCause & { readonly bound: CutOffBound },
): NewRevocation {
  return revocationOf(cause, cause.bound, { scope: 'everything', scopeId: EVERYTHING });
}

function tenantScope({ tenantId }: RevocationCause): ScopeNamed {
  return { scope: 'tenant', scopeId: scopeIdOfUuid(tenantId), subject: tenantId };
}

interface ScopeNamed {
  readonly scope: RevocationScope;
  readonly scopeId: ScopeId | undefined;
  readonly subject?: string;
}

function revocationOf(
  { revocationId, tenantId, cause, livesSeconds, reason }: RevocationCause,
  bound: NewRevocation['bound'],
  { scope, scopeId, subject }: ScopeNamed,
): NewRevocation {
  // Ids come from our own rows or have been checked: anything else here is a bug, and a revocation
  // that matches nothing must not be written.
  if (scopeId === undefined) throw new TypeError(`A ${scope} revocation needs a canonical id.`);
  return {
    ...{ revocationId, tenantId, scope, scopeId, bound, cause, livesSeconds },
    ...(subject === undefined ? {} : { subject }),
    ...(reason === undefined ? {} : { reason }),
  };
}
