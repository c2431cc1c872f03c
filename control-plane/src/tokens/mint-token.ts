/**
 * Mints derived tokens. What a token may carry is read in one transaction with its `iat`, and no
 * token is minted whose `iat` a bound of its scopes already covers (docs/feed.md, "Cut-offs and
 * clocks"): so a token read before the commit of a revocation is refused by it, and one asked for
 * after it is not minted.
 */

import { formatUuid, uuidV4FromRandom } from '@cardea/shared/bytes/uuid';
import type { RandomBytes } from '@cardea/shared/crypto/random';
import { DERIVATION_DEPTH_MAX, TOKEN_BYTES_MAX } from '@cardea/shared/limits';
import type { Refusal, RefusalReason } from '@cardea/shared/refusals';
import { secondsOf, type UnixSeconds, unixSeconds } from '@cardea/shared/time';
import type { Tenant } from '../tenants/tenant.ts';
import type { ActorScopes } from './actor-scopes.ts';
import { type Claims, customClaimsOf } from './custom-claims.ts';
import { type FormMeans, type FormParts, formMeansOf, type TokenKey } from './form-token.ts';
import { judgeMinting } from './minting-judgement.ts';
import type { MintingMoment, MintingStore } from './minting-store.ts';
import type { TokenForm } from './parent-caveats.ts';
import { type Grant, grantOf, type Lineage, lineageOf, type TokenParent } from './token-parent.ts';

export interface MintingParts extends FormParts {
  readonly store: MintingStore;
  readonly actorScopes: ActorScopes;
  readonly randomBytes: RandomBytes;
  readonly sleep: (milliseconds: number) => Promise<void>;
}

export interface MintRequest {
  readonly tenant: Tenant;
  readonly form: TokenForm;
  /** Absent: the parent's, or the tenant's own. Of a macaroon alone it may be another one. */
  readonly audience?: string;
  /** A subset of the parent's; empty means all of them. */
  readonly scopes: readonly string[];
  /** Absent: the default. */
  readonly lifetimeSeconds?: number;
  /** What to do when the parent ends before the default lifetime does. */
  readonly whenDefaultTooLong: 'shorten' | 'refuse';
  readonly customClaims: Claims;
}

export interface MintedToken {
  readonly text: string;
  readonly scopes: readonly string[];
  readonly issuedAtSeconds: UnixSeconds;
  readonly expiresAtSeconds: UnixSeconds;
  readonly metadata: Claims;
  readonly customClaims: Claims;
  /** Custom claims that were asked for and left out. */
  readonly strippedClaims: readonly string[];
}

export type MintOutcome =
  | { readonly outcome: 'minted'; readonly token: MintedToken }
  /** The parent is not good any more: a reason of the catalogue. */
  | { readonly outcome: 'parent_refused'; readonly refusal: Refusal }
  | { readonly outcome: 'scope_not_granted' | 'derived_too_often' | 'token_too_large' }
  /** No edge of the tenant is for it, or the parent is for another one. */
  | { readonly outcome: 'audience_not_granted' }
  | { readonly outcome: 'lifetime_too_long' | 'lifetime_exceeds_parent' }
  /** There is no signing key yet, or a bound lies far ahead of the clock. Worth another try. */
  | { readonly outcome: 'not_ready' };

/** Reads before giving up on a bound that is not past: each waits for the second after it. */
const READS_MAX = 3;
/** Longest wait for a bound to pass, milliseconds. Bounds are set to "now", so a second will do. */
const WAIT_MILLISECONDS_MAX = 2000;

/** The parent must have been verified, its address included. Throws `StoreUnavailable`. */
export async function mintToken(
  parts: MintingParts,
  parent: TokenParent,
  request: MintRequest,
): Promise<MintOutcome> {
  const { lifetimeSeconds = 0, tenant } = request;
  const { tenantId } = tenant;
  if (lifetimeSeconds > tenant.derivedTokenTtlMaxSeconds) {
    return { outcome: 'lifetime_too_long' };
  }
  const lineage = await lineageOf(parent, parts.actorScopes);
  if (!lineage.ok) return { outcome: 'parent_refused', refusal: lineage.refusal };
  const { ancestorTokenIds, keyId, scopeIds } = lineage.value;
  if (ancestorTokenIds.length > DERIVATION_DEPTH_MAX) return { outcome: 'derived_too_often' };
  const means = await formMeansOf(parts, parent, request);
  if (means === undefined) return { outcome: 'audience_not_granted' };
  for (let reads = 0; reads < READS_MAX; reads++) {
    const early = reads === 0 && parent.kind === 'api_key' ? parent.moment : undefined;
    const moment = early ?? (await parts.store.read({ tenantId, keyId, scopeIds }));
    if (moment === undefined) return parentRefused('api_key_unknown');
    const key = means.keyAt(moment);
    const judgement = await judgeMinting(moment, lineage.value, key?.kid);
    switch (judgement.kind) {
      case 'mint': {
        if (key === undefined) return { outcome: 'not_ready' };
        const grant = grantOf(parent, moment.key);
        return assemble(parts, request, { moment, means, key, grant, lineage: lineage.value });
      }
      case 'refuse':
        return parentRefused(judgement.reason);
      case 'no_signing_key':
        return { outcome: 'not_ready' };
      case 'wait': {
        const waitMilliseconds = (judgement.boundSeconds + 1) * 1000 - moment.now;
        if (waitMilliseconds > WAIT_MILLISECONDS_MAX) return { outcome: 'not_ready' };
        await parts.sleep(waitMilliseconds);
      }
    }
  }
  return { outcome: 'not_ready' };
}

interface Basis {
  readonly moment: MintingMoment;
  readonly means: FormMeans;
  readonly key: TokenKey;
  readonly grant: Grant;
  readonly lineage: Lineage;
}

async function assemble(
  parts: MintingParts,
  request: MintRequest,
  basis: Basis,
): Promise<MintOutcome> {
  const { grant, key, moment } = basis;
  const scopes = request.scopes.length === 0 ? grant.scopes : [...new Set(request.scopes)];
  if (!scopes.every((scope) => grant.scopes.includes(scope))) {
    return { outcome: 'scope_not_granted' };
  }
  const issuedAtSeconds = secondsOf(moment.now);
  const expiresAtSeconds = expiryOf(request, { issuedAtSeconds, grant });
  if (expiresAtSeconds === undefined) return { outcome: 'lifetime_exceeds_parent' };
  const custom = customClaimsOf(request.customClaims, grant.inheritedClaims);
  const { tenant } = request;
  const own = ownClaims(parts, basis, { tenant, scopes, issuedAtSeconds, expiresAtSeconds });
  const text = await key.write(own.jti, { ...custom.claims, ...own });
  if (text === undefined || text.length > TOKEN_BYTES_MAX) return { outcome: 'token_too_large' };
  const { metadata } = grant;
  const carried = { customClaims: custom.claims, strippedClaims: custom.stripped, metadata };
  return {
    outcome: 'minted',
    token: { text, scopes, issuedAtSeconds, expiresAtSeconds, ...carried },
  };
}

/** `undefined` if the parent would end first. A key's last, unfinished second is not used. */
function expiryOf(
  { lifetimeSeconds, tenant, whenDefaultTooLong }: MintRequest,
  { issuedAtSeconds, grant }: { issuedAtSeconds: UnixSeconds; grant: Grant },
): UnixSeconds | undefined {
  const asked = lifetimeSeconds ?? tenant.derivedTokenTtlDefaultSeconds;
  const expiresAt = unixSeconds(issuedAtSeconds + asked);
  const end = grant.expiresAtSeconds ?? Number.POSITIVE_INFINITY;
  if (expiresAt <= end) return expiresAt;
  const isShortened = lifetimeSeconds === undefined && whenDefaultTooLong === 'shorten';
  return isShortened && end > issuedAtSeconds ? unixSeconds(end) : undefined;
}

interface TokenTerms {
  readonly tenant: Tenant;
  readonly scopes: readonly string[];
  readonly issuedAtSeconds: UnixSeconds;
  readonly expiresAtSeconds: UnixSeconds;
}

/** Everything by our own names; what is empty is left out, but `scp`. */
function ownClaims(
  { randomBytes }: MintingParts,
  { moment, means, grant, lineage }: Basis,
  { tenant, scopes, issuedAtSeconds, expiresAtSeconds }: TokenTerms,
) {
  const { allowedCidrs = [], metadata, visibility } = grant;
  const { ancestorTokenIds } = lineage;
  return {
    jti: formatUuid(uuidV4FromRandom(randomBytes(16))),
    sub: lineage.keyId,
    iss: tenant.issuer,
    aud: means.audience,
    iat: issuedAtSeconds,
    nbf: issuedAtSeconds,
    exp: expiresAtSeconds,
    nid: moment.key.tenantId,
    act: lineage.actor,
    act_sid: lineage.actorScopeId,
    scp: scopes,
    vis: visibility,
    ...(ancestorTokenIds.length === 0 ? {} : { anc: ancestorTokenIds }),
    ...(Object.keys(metadata).length === 0 ? {} : { meta: metadata }),
    ...(allowedCidrs.length === 0 ? {} : { acl: allowedCidrs }),
  };
}

function parentRefused(reason: RefusalReason): MintOutcome {
  return { outcome: 'parent_refused', refusal: { reason } };
}
