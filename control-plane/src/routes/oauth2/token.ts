import type { Deps } from '../../deps.ts';
import { readRequestBody } from '../../http/request-body.ts';
import type { Route, RouteRequest } from '../../http/route.ts';
import { FORM_BYTES_MAX, RETRY_AFTER_SECONDS } from '../../limits.ts';
import { StoreUnavailable } from '../../store-unavailable.ts';
import { readClient } from '../../tokens/client-authentication.ts';
import {
  type Exchange,
  type ExchangeOutcome,
  exchangeApiKey,
} from '../../tokens/exchange-api-key.ts';
import { isFormType, readForm, readTerms } from '../../tokens/exchange-request.ts';
import { invalidClient, oauthError, tokenAnswer } from './oauth-answer.ts';
import { oauthRefusal, TokenForm, tokenAnswerSchema } from './token-schemas.ts';

/** POST /oauth2/token: RFC 6749 §4.4 with an API key as the client's secret. */
export function tokenRoute(deps: Deps): Route {
  return {
    operationId: 'oauth2Token',
    summary: 'Exchanges an API key for a short-lived token (RFC 6749 §4.4).',
    method: 'POST',
    path: '/oauth2/token',
    surface: 'public',
    permission: 'anonymous',
    form: TokenForm,
    answers: { 200: tokenAnswerSchema },
    refusal: oauthRefusal,
    handle: async (request) => {
      const exchange = await readExchange(request);
      if (exchange instanceof Response) return exchange;
      try {
        const exchanged = await exchangeApiKey(deps, exchange);
        deps.metrics.increment('cardea_exchanges_total', { outcome: exchanged.outcome });
        return answerOf(exchanged);
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
        // In the form that OAuth clients read; the general answer to an outage is another one.
        deps.log('error', 'failure', { request_id: request.requestId, error: error.name });
        return unavailable(503, RETRY_AFTER_SECONDS);
      }
    },
  };
}

async function readExchange(request: RouteRequest): Promise<Exchange | Response> {
  const { headers } = request.raw;
  if (!isFormType(headers.get('content-type'))) {
    return invalidRequest('The body must be application/x-www-form-urlencoded.');
  }
  const body = await readRequestBody(request.raw, FORM_BYTES_MAX);
  if (!body.ok) {
    const description = 'The body is larger than the limit.';
    return oauthError({ error: 'invalid_request', description }, { status: 413 });
  }
  const read = readForm(body.bytes);
  if (!read.ok) return invalidRequest(read.description);
  const terms = readTerms(read.form);
  if ('error' in terms) return oauthError(terms, { status: 400 });
  const client = readClient(headers.get('authorization'), read.form);
  switch (client.outcome) {
    case 'invalid_request':
      return invalidRequest('Authenticate in one way only.');
    case 'invalid_client':
      return invalidClient();
    case 'presented': {
      const { caller, clientAddress, tenant } = request;
      const { terms: asked } = terms;
      return { tenant, client: client.client, terms: asked, clientAddress, caller };
    }
  }
}

function answerOf(outcome: ExchangeOutcome): Response {
  switch (outcome.outcome) {
    case 'minted': {
      const { text, scopes, issuedAtSeconds, expiresAtSeconds } = outcome.token;
      return tokenAnswer({ text, scopes, lifetimeSeconds: expiresAtSeconds - issuedAtSeconds });
    }
    case 'client_refused':
    case 'parent_refused':
      return invalidClient();
    case 'address_refused': {
      const description = 'The API key may not be used from this address.';
      return oauthError({ error: 'unauthorized_client', description }, { status: 400 });
    }
    case 'scope_not_granted': {
      const description = 'The API key does not have a scope that is asked for.';
      return oauthError({ error: 'invalid_scope', description }, { status: 400 });
    }
    case 'lifetime_too_long':
      return invalidRequest('expires_in is longer than tokens may live.');
    case 'lifetime_exceeds_parent':
      return invalidRequest('The token would outlive its API key.');
    case 'derived_too_often':
    case 'token_too_large':
      return invalidRequest('The token would be larger than the limit.');
    case 'not_ready':
      return unavailable(503, RETRY_AFTER_SECONDS);
    case 'blocked':
      return unavailable(429, outcome.retryAfterSeconds);
  }
}

function invalidRequest(description: string): Response {
  return oauthError({ error: 'invalid_request', description }, { status: 400 });
}

function unavailable(status: 429 | 503, retryAfterSeconds: number): Response {
  const description =
    status === 429 ? 'Too many failed attempts from this address.' : 'Try again in a moment.';
  const headers = { 'Retry-After': String(retryAfterSeconds) };
  return oauthError({ error: 'temporarily_unavailable', description }, { status, headers });
}
