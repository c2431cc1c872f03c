/**
 * Decides who makes an admin call: whoever has the bootstrap token, an admin credential, or a JWT of
 * the configured issuer. What a text looks like decides which of them it is judged as, and nothing is
 * tried twice. Every refusal gives the same answer; the reason is for the operator's log alone.
 */

import { encodeUtf8 } from '@cardea/shared/bytes/utf8';
import { kindOfCredential } from '@cardea/shared/credential/kind';
import { sha256 } from '@cardea/shared/crypto/digest';
import { equalConstantTime } from '@cardea/shared/crypto/equal-constant-time';
import { secondsOf, type UnixMilliseconds } from '@cardea/shared/time';
import type { AdminCredential } from '../admin-credentials/admin-credential.ts';
import { CREDENTIAL_ROUTING } from '../api-keys/credential-routing.ts';
import type { Deps } from '../deps.ts';
import type { Principal } from '../http/principal.ts';
import { looksLikeAdminCredential, readAdminCredential } from './admin-credential-text.ts';
import { verifyAdminJwt } from './admin-jwt.ts';
import { BlockedAddresses } from './blocked-addresses.ts';
import { createIssuerKeys, type IssuerKeys } from './issuer-keys.ts';
import { isCrossSite, readPresented } from './presented-credential.ts';

export type AdminAuthentication =
  | { readonly outcome: 'authenticated'; readonly principal: Principal }
  | { readonly outcome: 'refused' }
  /** A genuine JWT that gives no role; or one that a cookie brought here from another site. */
  | { readonly outcome: 'forbidden' }
  /** Too many failures from this address: nothing is said about the credential, good or bad. */
  | { readonly outcome: 'blocked'; readonly retryAfterSeconds: number }
  /** The keys of the issuer cannot be had. */
  | { readonly outcome: 'unavailable' };

export interface AdminRequest {
  readonly request: Pick<Request, 'headers' | 'url'>;
  readonly requestId: string;
  readonly clientAddress: string | undefined;
}

/** Throws `StoreUnavailable`. */
export type AuthenticateAdmin = (call: AdminRequest) => Promise<AdminAuthentication>;

type Judgement =
  | Exclude<AdminAuthentication, { readonly outcome: 'refused' | 'blocked' }>
  | { readonly outcome: 'refused'; readonly reason: string };

type Means = Pick<
  Deps,
  'config' | 'keys' | 'clock' | 'log' | 'adminCredentials' | 'adminAttempts' | 'fetchJwks'
>;

export function createAdminAuthentication(deps: Means): AuthenticateAdmin {
  const { adminAttempts, clock, config, log } = deps;
  const blocked = new BlockedAddresses(clock);
  const issuerKeys =
    config.adminJwt === undefined
      ? undefined
      : createIssuerKeys({ ...deps, jwksUrl: config.adminJwt.jwksUrl });

  return async ({ request, requestId, clientAddress }) => {
    const acceptsAssertions = issuerKeys !== undefined;
    const presented = readPresented(request.headers, { acceptsAssertions });
    // Who shows nothing guesses nothing: it is not counted.
    if (presented.kind === 'none') return { outcome: 'refused' };
    const retryAfterSeconds = blocked.blockedForSeconds(clientAddress);
    if (retryAfterSeconds > 0) return { outcome: 'blocked', retryAfterSeconds };
    if (presented.kind === 'access_assertion' && isCrossSite(request)) {
      log('warn', 'admin_refused', { request_id: requestId, reason: 'cross_site' });
      return { outcome: 'forbidden' };
    }
    const judged: Judgement =
      presented.kind === 'malformed'
        ? { outcome: 'refused', reason: 'header_malformed' }
        : await judge(presented.token, { ...deps, issuerKeys });
    if (judged.outcome !== 'refused') return judged;
    log('warn', 'admin_refused', { request_id: requestId, reason: judged.reason });
    const wait = await adminAttempts.failed(clientAddress);
    if (wait === 0) return { outcome: 'refused' };
    blocked.block(clientAddress, wait);
    return { outcome: 'blocked', retryAfterSeconds: wait };
  };
}

async function judge(
  token: string,
  means: Means & { readonly issuerKeys: IssuerKeys | undefined },
): Promise<Judgement> {
  if (looksLikeAdminCredential(token)) return judgeCredential(token, means);
  const { clock, config, issuerKeys } = means;
  if (issuerKeys !== undefined && config.adminJwt !== undefined && isJwt(token)) {
    const judged = await verifyAdminJwt(token, {
      policy: config.adminJwt,
      keys: issuerKeys,
      nowSeconds: secondsOf(clock.now()),
      clockSkewSeconds: config.clockSkewSeconds,
    });
    return judged.outcome === 'no_role' ? { outcome: 'forbidden' } : judged;
  }
  return judgeBootstrapToken(token, config);
}

function isJwt(token: string): boolean {
  return kindOfCredential(token, CREDENTIAL_ROUTING) === 'jwt';
}

async function judgeBootstrapToken(
  token: string,
  { adminTokenSha256 }: Deps['config'],
): Promise<Judgement> {
  const hash = await sha256(encodeUtf8(token));
  if (adminTokenSha256 === undefined || !equalConstantTime(hash, adminTokenSha256)) {
    return { outcome: 'refused', reason: 'token_unknown' };
  }
  return { outcome: 'authenticated', principal: { kind: 'bootstrap', id: '', role: 'owner' } };
}

/** No hash: what an unknown id is compared with, so that its refusal takes as long. */
const NO_HASH = '-'.repeat(64);

/** Asked of the database each time: a revocation holds from the moment it is committed. */
async function judgeCredential(
  token: string,
  deps: Pick<Deps, 'adminCredentials' | 'keys'>,
): Promise<Judgement> {
  const claimed = await readAdminCredential(token, deps);
  if (claimed === undefined) return { outcome: 'refused', reason: 'credential_malformed' };
  const stored = await deps.adminCredentials.find(claimed.credentialId);
  const isGenuine = equalConstantTime(
    encodeUtf8(claimed.secretHash),
    encodeUtf8(stored?.secretHash ?? NO_HASH),
  );
  if (stored === undefined || !isGenuine) {
    return { outcome: 'refused', reason: 'credential_unknown' };
  }
  const { credential, now } = stored;
  const reason = endOf(credential, now);
  if (reason !== undefined) return { outcome: 'refused', reason };
  const { credentialId: id, role, tenantId } = credential;
  const tenant = tenantId === undefined ? {} : { tenantId };
  return {
    outcome: 'authenticated',
    principal: { kind: 'admin_credential', id, role, ...tenant },
  };
}

function endOf(
  { expireTime, revokeTime }: AdminCredential,
  now: UnixMilliseconds,
): 'credential_revoked' | 'credential_expired' | undefined {
  if (revokeTime !== undefined && revokeTime <= now) return 'credential_revoked';
  return expireTime !== undefined && expireTime <= now ? 'credential_expired' : undefined;
}
