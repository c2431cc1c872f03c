/**
 * One read for both halves of an exchange. Authenticating a key and minting from it look at the same
 * row; when the key's actor is known here, all that minting needs can be read along with it.
 */

import type { StoredApiKey } from '../api-keys/store.ts';
import type { Deps } from '../deps.ts';
import type { MintingMoment } from './minting-store.ts';
import { scopeIdsOfKey } from './token-parent.ts';

export interface ExchangeReading {
  readonly stored: StoredApiKey | undefined;
  /** Present if it has the bounds of everything by which a token of this key can be revoked. */
  readonly moment?: MintingMoment;
}

/** Throws `StoreUnavailable`. */
export async function readForExchange(
  deps: Pick<Deps, 'apiKeys' | 'minting'>,
  key: { readonly tenantId: string; readonly keyId: string },
): Promise<ExchangeReading> {
  const { actorScopes, store } = deps.minting;
  const { tenantId, keyId } = key;
  const actor = actorScopes.lastOf(tenantId, keyId);
  const scopes = actor === undefined ? undefined : scopeIdsOfKey(key, actor);
  if (actor === undefined || scopes === undefined || !scopes.ok) {
    return { stored: await deps.apiKeys.find(tenantId, keyId) };
  }
  const moment = await store.read({ tenantId, keyId, scopeIds: scopes.value });
  if (moment === undefined) return { stored: undefined };
  const { high, low } = await actorScopes.of(moment.key);
  const isActorAsKnown = high === actor.high && low === actor.low;
  return { stored: moment, ...(isActorAsKnown ? { moment } : {}) };
}
