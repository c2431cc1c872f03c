/**
 * Exchanges a derived token for a narrower one (RFC 8693): what its holder does without an
 * administrator. Whoever has the token may: it is what authenticates him.
 */

import type { Caller } from '../audit/audit-event.ts';
import { failureOf } from '../audit/failure-sampler.ts';
import type { Deps } from '../deps.ts';
import type { Tenant } from '../tenants/tenant.ts';
import { type DeriveOutcome, deriveToken } from './derive-token.ts';
import { countFailure, type ExchangeOutcome } from './exchange-api-key.ts';
import type { ExchangeTerms } from './exchange-request.ts';

export interface TokenExchange {
  readonly tenant: Tenant;
  readonly subjectToken: string;
  readonly terms: ExchangeTerms;
  readonly clientAddress: string | undefined;
  /** From where: for samples of failures. */
  readonly caller: Caller;
}

export type TokenExchangeOutcome = ExchangeOutcome | DeriveOutcome;

/** Failures count for the address as those of API keys do. Throws `StoreUnavailable`. */
export async function exchangeToken(
  deps: Deps,
  { tenant, subjectToken, terms, clientAddress, caller }: TokenExchange,
): Promise<TokenExchangeOutcome> {
  const retryAfterSeconds = await deps.attempts.blockedForSeconds(clientAddress);
  if (retryAfterSeconds > 0) return { outcome: 'blocked', retryAfterSeconds };
  const presented = { tenant, credential: subjectToken, clientAddress };
  const request = { ...terms, customClaims: {}, whenDefaultTooLong: 'shorten' } as const;
  const derived = await deriveToken(deps, presented, request);
  if (derived.outcome !== 'parent_refused') return derived;
  const { tenantId } = tenant;
  deps.failures.failed({ ...failureOf(derived.refusal), tenantId, during: 'exchange', caller });
  if (derived.refusal.reason === 'ip_not_allowed') return { outcome: 'address_refused' };
  return countFailure(deps, clientAddress);
}
