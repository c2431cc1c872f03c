/** Answers of the token endpoint, in the form of RFC 6749 §5.1 and §5.2. */

import type { OAUTH_ERRORS } from './token-schemas.ts';

/** §5.1: on every answer that carries tokens, and harmless on the others. */
const NOT_STORED = { 'Cache-Control': 'no-store', Pragma: 'no-cache' };

export interface OAuthError {
  readonly error: (typeof OAUTH_ERRORS)[number];
  readonly description: string;
}

interface AnswerMembers {
  readonly status: 400 | 401 | 413 | 429 | 503;
  readonly headers?: Record<string, string>;
}

export function oauthError({ error, description }: OAuthError, members: AnswerMembers): Response {
  const headers = { ...NOT_STORED, ...members.headers };
  const body = { error, error_description: description };
  return Response.json(body, { status: members.status, headers });
}

/** §5.2: 401, and the scheme by which a client may authenticate. */
export function invalidClient(): Response {
  const description = 'Send a live API key as the client secret.';
  return oauthError(
    { error: 'invalid_client', description },
    { status: 401, headers: { 'WWW-Authenticate': 'Basic realm="cardea", charset="UTF-8"' } },
  );
}

export function tokenAnswer(token: {
  readonly text: string;
  readonly scopes: readonly string[];
  readonly lifetimeSeconds: number;
  /** RFC 8693 §2.2.1 */
  readonly issuedTokenType?: string;
}): Response {
  const answer = {
    access_token: token.text,
    issued_token_type: token.issuedTokenType,
    token_type: 'Bearer',
    expires_in: token.lifetimeSeconds,
    // §3.3: a scope has at least one name. A key without scopes gives a token without.
    ...(token.scopes.length === 0 ? {} : { scope: token.scopes.join(' ') }),
  };
  return Response.json(answer, { headers: NOT_STORED });
}
