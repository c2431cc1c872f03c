/** Exchanges an API key for a derived token: the client's own way, without an administrator. */

import { accept, type Result } from '@cardea/shared/result';
import {
  type AuthenticatedApiKey,
  judgeApiKey,
  presentedKeyOf,
  proveStored,
} from '../api-keys/authenticate.ts';
import type { Caller } from '../audit/audit-event.ts';
import { failureOf, type VerificationFailure } from '../audit/failure-sampler.ts';
import type { Deps } from '../deps.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type { PresentedClient } from './client-authentication.ts';
import type { ExchangeTerms } from './exchange-request.ts';
import { type MintOutcome, mintToken } from './mint-token.ts';
import { type ExchangeReading, readForExchange } from './read-for-exchange.ts';

export interface Exchange {
  readonly tenant: Tenant;
  readonly client: PresentedClient;
  readonly terms: ExchangeTerms;
  readonly clientAddress: string | undefined;
  /** From where: for samples of failures. */
  readonly caller: Caller;
}

export type ExchangeOutcome =
  | MintOutcome
  /** Too many failures from this address: nothing is said about the key, good or bad. */
  | { readonly outcome: 'blocked'; readonly retryAfterSeconds: number }
  /** Not a live API key, or another `client_id` than its own. */
  | { readonly outcome: 'client_refused' }
  /** The key is good, but not from this address. */
  | { readonly outcome: 'address_refused' };

/** The counter and the database are asked at the same time. Throws `StoreUnavailable`. */
export async function exchangeApiKey(deps: Deps, exchange: Exchange): Promise<ExchangeOutcome> {
  const { client, clientAddress, tenant, terms } = exchange;
  const [retryAfterSeconds, authenticated] = await Promise.all([
    deps.attempts.blockedForSeconds(clientAddress),
    authenticate(deps, exchange),
  ]);
  if (retryAfterSeconds > 0) return { outcome: 'blocked', retryAfterSeconds };
  const note = (failure: Pick<VerificationFailure, 'reason' | 'keyId'>) => {
    const { tenantId } = tenant;
    deps.failures.failed({ ...failure, tenantId, during: 'exchange', caller: exchange.caller });
  };
  if (!authenticated.ok) {
    note(failureOf(authenticated.refusal));
    if (authenticated.refusal.reason === 'ip_not_allowed') return { outcome: 'address_refused' };
    return countFailure(deps, clientAddress);
  }
  const { key, now, moment } = authenticated.value;
  if (client.clientId !== '' && client.clientId !== key.keyId) {
    note({ reason: 'client_id_mismatch', keyId: key.keyId });
    return countFailure(deps, clientAddress);
  }
  const parent = { kind: 'api_key', key, ...(moment === undefined ? {} : { moment }) } as const;
  const request = { ...terms, tenant, customClaims: {}, whenDefaultTooLong: 'shorten' } as const;
  const minted = await mintToken(deps.minting, parent, request);
  if (minted.outcome === 'minted') deps.lastUsed.used(key, now);
  return minted;
}

/** Refuses as `authenticateApiKey` does. */
async function authenticate(
  deps: Deps,
  { client, clientAddress, tenant }: Exchange,
): Promise<Result<AuthenticatedApiKey & Pick<ExchangeReading, 'moment'>>> {
  const presented = await presentedKeyOf(deps, client.clientSecret, tenant);
  if (!presented.ok) return presented;
  const { tenantId } = tenant;
  const { keyId } = presented.value;
  const { stored, moment } = await readForExchange(deps, { tenantId, keyId });
  const proved = proveStored(presented.value, stored);
  if (!proved.ok) return proved;
  const judged = judgeApiKey(proved.value, clientAddress);
  if (!judged.ok || moment === undefined) return judged;
  return accept({ ...judged.value, moment });
}

export async function countFailure(
  deps: Pick<Deps, 'attempts'>,
  clientAddress: string | undefined,
): Promise<Extract<ExchangeOutcome, { outcome: 'blocked' | 'client_refused' }>> {
  const retryAfterSeconds = await deps.attempts.failed(clientAddress);
  if (retryAfterSeconds > 0) return { outcome: 'blocked', retryAfterSeconds };
  return { outcome: 'client_refused' };
}
