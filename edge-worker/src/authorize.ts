/**
 * The whole decision about one token on one route. No I/O but the feed's own; the clock is an
 * argument. Nothing that may change while a token lives is ever taken from the cache: every request
 * asks for expiry, the signing key, revocation, address and scopes again.
 */

import { isRevoked } from '@cardea/shared/feed/revocation-table';
import { tokenScopesOf } from '@cardea/shared/feed/token-scopes';
import { isAddressAllowed } from '@cardea/shared/ip/cidr';
import { type JwtPolicy, verifyJwtUnderKey } from '@cardea/shared/jwt/verify';
import { accept, type Result, refuse } from '@cardea/shared/result';
import { secondsOf, type UnixMilliseconds } from '@cardea/shared/time';
import type { EdgeFeed, RequestContext, StalePolicy, TrustedSnapshot } from './feed/edge-feed.ts';
import { identityHeadersOf } from './identity-headers.ts';
import type { VerifiedToken, VerifiedTokenCache } from './verified-token-cache.ts';

export interface AuthorizeOptions {
  readonly feed: EdgeFeed;
  readonly cache: VerifiedTokenCache;
  readonly policy: JwtPolicy;
  readonly clock: () => UnixMilliseconds;
}

export interface AccessRequest {
  readonly token: string;
  readonly requiredScopes: readonly string[];
  readonly stale: StalePolicy;
  /** The client's address as the platform saw it; `undefined` is in no range. */
  readonly clientAddress: string | undefined;
  readonly context: RequestContext;
}

export interface Grant {
  readonly token: VerifiedToken;
  readonly trusted: TrustedSnapshot;
}

type MaybePromise<T> = T | Promise<T>;

/** Answers at once, without a promise, for a token seen before under a fresh feed. */
export function authorize(
  options: AuthorizeOptions,
  access: AccessRequest,
): MaybePromise<Result<Grant>> {
  const trusted = options.feed.snapshot(access.context, access.stale);
  if (trusted instanceof Promise) return trusted.then((it) => decide(options, access, it));
  return decide(options, access, trusted);
}

function decide(
  options: AuthorizeOptions,
  access: AccessRequest,
  trusted: Result<TrustedSnapshot>,
): MaybePromise<Result<Grant>> {
  if (!trusted.ok) return trusted;
  const known = options.cache.get(access.token);
  if (known?.keysetHash === trusted.value.snapshot.keysetHash) {
    return clear(options, access, { token: known, trusted: trusted.value });
  }
  return verify(options, access, trusted.value).then((grant) =>
    grant.ok ? clear(options, access, grant.value) : grant,
  );
}

/** All that must hold now for a token whose signature and claims were verified once. */
function clear(
  { clock, policy }: AuthorizeOptions,
  { requiredScopes, clientAddress }: AccessRequest,
  grant: Grant,
): Result<Grant> {
  const { token, trusted } = grant;
  const nowSeconds = secondsOf(clock());
  if (!(nowSeconds < token.expiresAtSeconds)) return refuse('token_expired');
  if (!(token.notBeforeSeconds <= nowSeconds + policy.clockSkewSeconds)) {
    return refuse('token_not_yet_valid');
  }
  const { kid, notBeforeSeconds, notAfterSeconds } = token.key;
  if (!(notBeforeSeconds <= nowSeconds && nowSeconds < notAfterSeconds)) {
    return refuse('signing_key_not_live', { kid });
  }
  if (isRevoked(trusted.snapshot.revocations, token.revocationScopes)) {
    return refuse('token_revoked', { seq: trusted.snapshot.seq });
  }
  if (token.allowedCidrs !== undefined) {
    if (!isAddressAllowed(clientAddress ?? '', token.allowedCidrs)) return refuse('ip_not_allowed');
  }
  for (const scope of requiredScopes) {
    if (!token.scopes.includes(scope)) return refuse('scope_insufficient', { scope });
  }
  return accept(grant);
}

/** First sight of a token under this keyset: verifies it and remembers it, whatever it is good for. */
async function verify(
  { feed, cache, policy, clock }: AuthorizeOptions,
  { token: text, context, stale }: AccessRequest,
  trusted: TrustedSnapshot,
): Promise<Result<Grant>> {
  const verifyUnder = ({ snapshot }: TrustedSnapshot) =>
    verifyJwtUnderKey(text, { keys: snapshot.jwtKeys, policy, nowSeconds: secondsOf(clock()) });
  let current = trusted;
  let verified = await verifyUnder(current);
  if (!verified.ok && verified.refusal.reason === 'signing_key_unknown') {
    const refreshed = await feed.refreshForUnknownKey(context, stale);
    if (!refreshed.ok) return refreshed;
    current = refreshed.value;
    verified = await verifyUnder(current);
  }
  if (!verified.ok) return verified;
  const { claims, key } = verified.value;
  const revocationScopes = tokenScopesOf(claims, key);
  if (!revocationScopes.ok) return revocationScopes;
  const { issuedAtSeconds, notBeforeSeconds = issuedAtSeconds } = claims;
  const token: VerifiedToken = {
    keysetHash: current.snapshot.keysetHash,
    key,
    notBeforeSeconds: notBeforeSeconds > issuedAtSeconds ? notBeforeSeconds : issuedAtSeconds,
    expiresAtSeconds: claims.expiresAtSeconds,
    revocationScopes: revocationScopes.value,
    scopes: claims.scopes,
    allowedCidrs: claims.allowedCidrs,
    identity: identityHeadersOf(claims),
  };
  cache.put(text, token);
  return accept({ token, trusted: current });
}
