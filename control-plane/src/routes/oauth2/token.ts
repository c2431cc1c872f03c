import type { Deps } from '../../deps.ts';
import { readRequestBody } from '../../http/request-body.ts';
import type { Route, RouteRequest } from '../../http/route.ts';
import { FORM_BYTES_MAX, RETRY_AFTER_SECONDS } from '../../limits.ts';
import { StoreUnavailable } from '../../store-unavailable.ts';
import { readClient } from '../../tokens/client-authentication.ts';
import { exchangeApiKey } from '../../tokens/exchange-api-key.ts';
import {
  type ExchangeTerms,
  type GrantRead,
  isFormType,
  readForm,
  readGrant,
} from '../../tokens/exchange-request.ts';
import { exchangeToken, type TokenExchangeOutcome } from '../../tokens/exchange-token.ts';
import { invalidClient, oauthError, tokenAnswer } from './oauth-answer.ts';
import { oauthRefusal, TokenForm, tokenAnswerSchema } from './token-schemas.ts';

/** POST /oauth2/token: RFC 6749 §4.4 with an API key as the client's secret, RFC 8693 with a token. */
export function tokenRoute(deps: Deps): Route {
  return {
    operationId: 'oauth2Token',
    summary: 'Exchanges an API key for a short-lived token (RFC 6749 §4.4), or a token (RFC 8693).',
    method: 'POST',
    path: '/oauth2/token',
    surface: 'public',
    permission: 'anonymous',
    form: TokenForm,
    answers: { 200: tokenAnswerSchema },
    refusal: oauthRefusal,
    handle: async (request) => {
      const read = await readTokenRequest(request);
      if (read instanceof Response) return read;
      try {
        const exchanged = await exchange(deps, request, read);
        if (exchanged instanceof Response) return exchanged;
        deps.metrics.increment('cardea_exchanges_total', { outcome: exchanged.outcome });
        return answerOf(exchanged, read.grant);
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
        // In the form that OAuth clients read; the general answer to an outage is another one.
        deps.log('error', 'failure', { request_id: request.requestId, error: error.name });
        return unavailable(503, RETRY_AFTER_SECONDS);
      }
    },
  };
}

interface TokenRequest {
  readonly grant: GrantRead;
  readonly form: ReadonlyMap<string, string>;
}

async function readTokenRequest({ raw }: RouteRequest): Promise<TokenRequest | Response> {
  if (!isFormType(raw.headers.get('content-type'))) {
    return invalidRequest('The body must be application/x-www-form-urlencoded.');
  }
  const body = await readRequestBody(raw, FORM_BYTES_MAX);
  if (!body.ok) {
    const description = 'The body is larger than the limit.';
    return oauthError({ error: 'invalid_request', description }, { status: 413 });
  }
  const read = readForm(body.bytes);
  if (!read.ok) return invalidRequest(read.description);
  const grant = readGrant(read.form);
  return 'error' in grant ? oauthError(grant, { status: 400 }) : { grant, form: read.form };
}

/** A response if the client presents itself in a way that the grant does not allow. */
async function exchange(
  deps: Deps,
  { raw, tenant, caller, ...from }: RouteRequest,
  { grant, form }: TokenRequest,
): Promise<TokenExchangeOutcome | Response> {
  const { terms } = grant;
  const common = { tenant, terms, caller, clientAddress: from.clientAddress };
  const client = readClient(raw.headers.get('authorization'), form);
  if (grant.grant === 'token_exchange') {
    // The subject token is the authentication; a secret beside it would be looked at by nobody.
    const isBare = client.outcome === 'invalid_client' && !raw.headers.has('authorization');
    if (!isBare) return invalidRequest('The subject token authenticates: send no client secret.');
    return exchangeToken(deps, { ...common, subjectToken: grant.subjectToken });
  }
  switch (client.outcome) {
    case 'invalid_request':
      return invalidRequest('Authenticate in one way only.');
    case 'invalid_client':
      return invalidClient();
    case 'presented':
      return exchangeApiKey(deps, { ...common, client: client.client });
  }
}

function answerOf(outcome: TokenExchangeOutcome, { grant, terms }: GrantRead): Response {
  switch (outcome.outcome) {
    case 'minted':
      return mintedAnswer(outcome, terms);
    case 'client_refused':
    case 'parent_refused':
      // RFC 8693 §2.2.2: an invalid subject token is an invalid request.
      return grant === 'token_exchange'
        ? invalidRequest('The subject token is not good.')
        : invalidClient();
    case 'address_refused': {
      const description = 'The API key may not be used from this address.';
      return oauthError({ error: 'unauthorized_client', description }, { status: 400 });
    }
    case 'scope_not_granted': {
      const description = 'The API key does not have a scope that is asked for.';
      return oauthError({ error: 'invalid_scope', description }, { status: 400 });
    }
    case 'audience_not_granted': {
      const description = 'A token of this type cannot be for the audience.';
      return oauthError({ error: 'invalid_target', description }, { status: 400 });
    }
    case 'not_expressible':
      return invalidRequest(`A token of this type could not carry a ${outcome.caveat} caveat.`);
    case 'lifetime_too_long':
      return invalidRequest('expires_in is longer than tokens may live.');
    case 'lifetime_exceeds_parent':
      return invalidRequest('The token would outlive its API key.');
    case 'derived_too_often':
      return invalidRequest('The subject token was derived too often already.');
    case 'token_too_large':
      return invalidRequest('The token would be larger than the limit.');
    case 'not_ready':
      return unavailable(503, RETRY_AFTER_SECONDS);
    case 'blocked':
      return unavailable(429, outcome.retryAfterSeconds);
  }
}

function mintedAnswer(
  { token }: Extract<TokenExchangeOutcome, { outcome: 'minted' }>,
  { issuedTokenType }: ExchangeTerms,
): Response {
  const { text, scopes, issuedAtSeconds, expiresAtSeconds } = token;
  const lifetimeSeconds = expiresAtSeconds - issuedAtSeconds;
  const type = issuedTokenType === undefined ? {} : { issuedTokenType };
  return tokenAnswer({ text, scopes, lifetimeSeconds, ...type });
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
