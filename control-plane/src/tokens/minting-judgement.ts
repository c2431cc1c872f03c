/** Whether a token may be minted at this moment of the database. Pure but for one hash. */

import { FOR_GOOD } from '@cardea/shared/feed/entry';
import { formatScopeId, type ScopeId, scopeIdOfSigningKey } from '@cardea/shared/feed/scope-id';
import type { RefusalReason } from '@cardea/shared/refusals';
import { secondsOf } from '@cardea/shared/time';
import { statusOf } from '../api-keys/status.ts';
import type { MintingMoment } from './minting-store.ts';
import type { Lineage } from './token-parent.ts';

export type Judgement =
  | { readonly kind: 'mint' }
  | { readonly kind: 'refuse'; readonly reason: RefusalReason }
  /** There is no key to sign with, or the one there is has been revoked. */
  | { readonly kind: 'no_signing_key' }
  /** A bound is not past yet: from the second after it on a token may be minted. */
  | { readonly kind: 'wait'; readonly boundSeconds: number };

/** `kid`: of the key that would vouch for the token, if there is one. */
export async function judgeMinting(
  moment: MintingMoment,
  lineage: Lineage,
  kid: string | undefined,
): Promise<Judgement> {
  const { key, now, bounds } = moment;
  const status = statusOf(key, now);
  if (status === 'revoked') return { kind: 'refuse', reason: 'api_key_revoked' };
  if (status === 'expired') return { kind: 'refuse', reason: 'api_key_expired' };
  if (status === 'disabled') return { kind: 'refuse', reason: 'api_key_disabled' };
  const bound = highestBound(bounds, lineage.scopeIds);
  // Verified a moment ago and perhaps cut off since: the parent's own `iat` is what counts, or a
  // token derived from it would escape a cut-off by being younger.
  const parentIssuedAt = lineage.parentIssuedAtSeconds ?? Number.POSITIVE_INFINITY;
  if (parentIssuedAt <= bound || bound === FOR_GOOD) {
    return { kind: 'refuse', reason: 'token_revoked' };
  }
  if (kid === undefined) return { kind: 'no_signing_key' };
  const kidBound = highestBound(bounds, [await scopeIdOfKid(kid)]);
  if (kidBound === FOR_GOOD) return { kind: 'no_signing_key' };
  const boundSeconds = Math.max(bound, kidBound);
  return secondsOf(now) <= boundSeconds ? { kind: 'wait', boundSeconds } : { kind: 'mint' };
}

/** Scope ids of the kids that sign now, remembered: a hash each, and few of them. */
const kidScopes = new Map<string, ScopeId>();
const KIDS_MAX = 1000;

async function scopeIdOfKid(kid: string): Promise<ScopeId> {
  const known = kidScopes.get(kid);
  if (known !== undefined) return known;
  const scopeId = await scopeIdOfSigningKey(kid);
  if (kidScopes.size >= KIDS_MAX) kidScopes.clear();
  kidScopes.set(kid, scopeId);
  return scopeId;
}

/** −1 if none of the scopes has a bound: before every `iat`. */
function highestBound(bounds: ReadonlyMap<string, number>, scopeIds: readonly ScopeId[]): number {
  if (bounds.size === 0) return -1; // Nothing is revoked at most times.
  return Math.max(-1, ...scopeIds.map((scopeId) => bounds.get(formatScopeId(scopeId)) ?? -1));
}
