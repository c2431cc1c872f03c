/** Discharges a caveat: shows, now, that what its id says holds. */

import { encodeBase64url } from '@cardea/shared/bytes/base64url';
import { parseScopeId } from '@cardea/shared/feed/scope-id';
import { encodeMacaroon } from '@cardea/shared/macaroon/codec-v2';
import { formatCaveat } from '@cardea/shared/macaroon/format-caveat';
import { mintMacaroon } from '@cardea/shared/macaroon/mint';
import { secondsOf, type UnixSeconds, unixSeconds } from '@cardea/shared/time';
import { authenticateApiKey } from '../api-keys/authenticate.ts';
import type { Caller } from '../audit/audit-event.ts';
import { failureOf } from '../audit/failure-sampler.ts';
import type { Deps } from '../deps.ts';
import { DISCHARGE_SECONDS_DEFAULT, DISCHARGE_SECONDS_MAX } from '../limits.ts';
import type { Tenant } from '../tenants/tenant.ts';
import { type DischargeCondition, type FreshCondition, parseCaveatId } from './caveat-id.ts';
import { caveatKeyOf } from './discharge-root.ts';

export interface DischargeRequest {
  readonly tenant: Tenant;
  readonly caveatId: string;
  /** The API key that is shown, if the condition asks for one. */
  readonly credential?: string;
  readonly lifetimeSeconds?: number;
  readonly clientAddress: string | undefined;
  /** From where: for samples of failures. */
  readonly caller: Caller;
}

export type DischargeOutcome =
  /** base64url of the binary form, not bound to any macaroon yet. */
  | {
      readonly outcome: 'discharged';
      readonly discharge: string;
      readonly lifetimeSeconds: number;
    }
  /** Not an id of a caveat of this tenant. */
  | { readonly outcome: 'caveat_unknown' }
  /** What the caveat asks for does not hold, or was not shown. */
  | { readonly outcome: 'condition_not_met' }
  | { readonly outcome: 'blocked'; readonly retryAfterSeconds: number };

/** Failures count for the address as those of exchanges do. Throws `StoreUnavailable`. */
export async function discharge(deps: Deps, request: DischargeRequest): Promise<DischargeOutcome> {
  const { caveatId, clientAddress, tenant } = request;
  const retryAfterSeconds = await deps.attempts.blockedForSeconds(clientAddress);
  if (retryAfterSeconds > 0) return { outcome: 'blocked', retryAfterSeconds };
  const parsed = parseCaveatId(caveatId);
  if (parsed === undefined || parsed.tenantId !== tenant.tenantId) {
    return { outcome: 'caveat_unknown' };
  }
  const { condition } = parsed;
  // Before the look at the database: what it says then is no older than the discharge.
  const nowSeconds = secondsOf(deps.clock.now());
  if (!(await isMet(deps, condition, request))) {
    const blockedFor = await deps.attempts.failed(clientAddress);
    if (blockedFor > 0) return { outcome: 'blocked', retryAfterSeconds: blockedFor };
    return { outcome: 'condition_not_met' };
  }
  const livesMax = condition.kind === 'fresh' ? condition.seconds : DISCHARGE_SECONDS_MAX;
  const lives = request.lifetimeSeconds ?? Math.min(livesMax, DISCHARGE_SECONDS_DEFAULT);
  const expiresAtSeconds = unixSeconds(nowSeconds + Math.min(lives, livesMax));
  const macaroon = mintMacaroon({
    rootKey: await caveatKeyOf(await deps.dischargeRoot(), caveatId),
    location: tenant.issuer,
    identifier: caveatId,
    firstPartyCaveats: caveatsOf(condition, expiresAtSeconds),
  });
  return {
    outcome: 'discharged',
    discharge: encodeBase64url(encodeMacaroon(macaroon)),
    lifetimeSeconds: expiresAtSeconds - nowSeconds,
  };
}

/** A discharge of freshness is of that token alone. */
function caveatsOf(condition: DischargeCondition, atSeconds: UnixSeconds): readonly string[] {
  const end = formatCaveat({ kind: 'expires', atSeconds });
  if (condition.kind !== 'fresh') return [end];
  return [end, formatCaveat({ kind: 'token', value: condition.tokenId })];
}

async function isMet(
  deps: Deps,
  condition: DischargeCondition,
  request: DischargeRequest,
): Promise<boolean> {
  if (condition.kind === 'fresh') return isFresh(deps, condition, request.tenant);
  const { caller, clientAddress, credential = '', tenant } = request;
  const authenticated = await authenticateApiKey(deps, credential, { tenant, clientAddress });
  if (!authenticated.ok) {
    const { tenantId } = tenant;
    deps.failures.failed({
      ...failureOf(authenticated.refusal),
      ...{ tenantId, during: 'discharge', caller },
    });
    return false;
  }
  const { key, now } = authenticated.value;
  const isTheOne =
    condition.kind === 'key' ? key.keyId === condition.keyId : key.actorId === condition.actorId;
  if (isTheOne) deps.lastUsed.used(key, now);
  return isTheOne;
}

/** By the database, uncached: a revocation that is committed is among the bounds. */
async function isFresh(
  { revocations }: Pick<Deps, 'revocations'>,
  { issuedAtSeconds, scopeIds }: FreshCondition,
  { tenantId }: Tenant,
): Promise<boolean> {
  const ids = scopeIds.map(parseScopeId).filter((id) => id !== undefined);
  const bound = await revocations.highestBound(tenantId, ids);
  return bound === undefined || issuedAtSeconds > bound;
}
