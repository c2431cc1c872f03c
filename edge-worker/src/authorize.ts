/**
 * The whole decision about one token on one route. No I/O but the feed's own; the clock is an
 * argument. Nothing that may change while a token lives is ever taken from the cache: every request
 * asks for expiry, the key, revocation, address, scopes and, of a macaroon, every caveat again.
 */

import { isRevoked } from '@cardea/shared/feed/revocation-table';
import { isAddressAllowed } from '@cardea/shared/ip/cidr';
import type { TokenPolicy } from '@cardea/shared/jwt/check-claims';
import { clearCaveats } from '@cardea/shared/macaroon/clear';
import { accept, type Result, refuse } from '@cardea/shared/result';
import { secondsOf, type UnixMilliseconds } from '@cardea/shared/time';
import type { EdgeFeed, RequestContext, StalePolicy, TrustedSnapshot } from './feed/edge-feed.ts';
import { type CalledWith, type CaveatCheckers, factsOf } from './request-facts.ts';
import type { VerifiedToken, VerifiedTokenCache } from './verified-token-cache.ts';
import { verifyToken } from './verify-token.ts';

export interface AuthorizeOptions {
  readonly feed: EdgeFeed;
  readonly cache: VerifiedTokenCache;
  readonly policy: TokenPolicy;
  readonly clock: () => UnixMilliseconds;
  /** Without them no `ext:` caveat is cleared. */
  readonly checkers?: CaveatCheckers | undefined;
}

export interface AccessRequest {
  readonly token: string;
  readonly requiredScopes: readonly string[];
  readonly stale: StalePolicy;
  readonly called: CalledWith;
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

/** All that must hold now for a token whose signature or chain, and claims, were verified once. */
function clear(
  { clock, policy, checkers }: AuthorizeOptions,
  { requiredScopes, called }: AccessRequest,
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
    const { clientAddress = '' } = called;
    if (!isAddressAllowed(clientAddress, token.allowedCidrs)) return refuse('ip_not_allowed');
  }
  if (token.narrowing !== undefined) {
    const { audience } = policy;
    const around = { nowSeconds, audience, requiredScopes, checkers };
    const cleared = clearCaveats(token.narrowing.caveats, factsOf(called, token.narrowing, around));
    if (!cleared.ok) return cleared;
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
    verifyToken(text, { snapshot, policy, nowSeconds: secondsOf(clock()) });
  let current = trusted;
  let token = await verifyUnder(current);
  if (!token.ok && token.refusal.reason === 'signing_key_unknown') {
    const refreshed = await feed.refreshForUnknownKey(context, stale);
    if (!refreshed.ok) return refreshed;
    current = refreshed.value;
    token = await verifyUnder(current);
  }
  if (!token.ok) return token;
  cache.put(text, token.value);
  return accept({ token: token.value, trusted: current });
}
