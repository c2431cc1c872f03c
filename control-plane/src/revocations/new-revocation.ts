/** Builds revocation rows. Pure: ids and durations come from the caller, times from the database. */

import { type ScopeId, scopeIdOfKey, scopeIdOfUuid } from '@cardea/shared/feed/scope-id';
import type { NewRevocation, RevocationScope } from './revocation.ts';

interface RevocationCause {
  /** A version-4 UUID. */
  readonly revocationId: string;
  readonly tenantId: string;
  /** The operation that causes it, e.g. `api_key.revoke`. */
  readonly cause: string;
  /** Longest token lifetime + clock skew, seconds: see {@link revocationLivesSeconds}. */
  readonly livesSeconds: number;
}

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
  const { effectiveAfterSeconds: delay } = cause;
  const revocation = revocationOf(cause, 'for_good', {
    scope: 'key',
    scopeId: scopeIdOfKey(cause.keyId),
  });
  return delay === undefined ? revocation : { ...revocation, effectiveAfterSeconds: delay };
}

/** Tokens of the key from before the commit: it is disabled, deleted, or grants less from now on. */
export function cutOffOfKey(cause: RevocationCause & { readonly keyId: string }): NewRevocation {
  return revocationOf(cause, 'at_commit', { scope: 'key', scopeId: scopeIdOfKey(cause.keyId) });
}

/** The tenant is gone for good, and with it whatever was derived in it. */
export function revocationOfTenant(cause: RevocationCause): NewRevocation {
  return revocationOf(cause, 'for_good', {
    scope: 'tenant',
    scopeId: scopeIdOfUuid(cause.tenantId),
  });
}

/** One derived token, and whatever was derived from it, is gone for good. */
export function revocationOfToken(
  cause: RevocationCause & { readonly tokenId: string },
): NewRevocation {
  return revocationOf(cause, 'for_good', { scope: 'token', scopeId: scopeIdOfUuid(cause.tokenId) });
}

function revocationOf(
  { revocationId, tenantId, cause, livesSeconds }: RevocationCause,
  bound: NewRevocation['bound'],
  { scope, scopeId }: { scope: RevocationScope; scopeId: ScopeId | undefined },
): NewRevocation {
  // Ids come from our own rows or from verified claims: anything else here is a bug, and a
  // revocation that matches nothing must not be written.
  if (scopeId === undefined) throw new TypeError(`A ${scope} revocation needs a canonical id.`);
  return { revocationId, tenantId, scope, scopeId, bound, cause, livesSeconds };
}
