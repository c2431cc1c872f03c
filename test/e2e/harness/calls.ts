/** The calls that clients make: exchange an API key, call the API through the edge. */

/** No answer may take longer: the edge gives its own reads 2 s. Milliseconds. */
const ANSWER_MILLISECONDS_MAX = 15_000;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** The JSON object, or an empty one. */
  readonly body: Readonly<Record<string, unknown>>;
}

export interface ExchangeRequest {
  readonly controlPlaneUrl: string;
  readonly apiKey: string;
  readonly scope?: string;
  readonly expiresInSeconds?: number;
  /** Without it a JWT. */
  readonly requestedTokenType?: string;
}

/** RFC 6749 §4.4.2, with the API key as client secret in the body. */
export function exchange(request: ExchangeRequest): Promise<Answer> {
  const { controlPlaneUrl, apiKey, scope, expiresInSeconds, requestedTokenType } = request;
  const form = new URLSearchParams({ grant_type: 'client_credentials', client_secret: apiKey });
  if (scope !== undefined) form.set('scope', scope);
  if (expiresInSeconds !== undefined) form.set('expires_in', String(expiresInSeconds));
  if (requestedTokenType !== undefined) form.set('requested_token_type', requestedTokenType);
  return call(`${controlPlaneUrl}/oauth2/token`, { method: 'POST', body: form });
}

/** The token out of an exchange that must succeed. */
export async function exchangeForToken(request: ExchangeRequest): Promise<string> {
  const { status, body } = await exchange(request);
  if (status !== 200 || typeof body.access_token !== 'string') {
    throw new Error(`the exchange answered ${status} ${JSON.stringify(body.error)}`);
  }
  return body.access_token;
}

/** One request with a Bearer token, or without any. */
export function callWithToken(
  url: string,
  token: string | undefined,
  init: RequestInit = {},
): Promise<Answer> {
  const headers = new Headers(init.headers);
  if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
  return call(url, { ...init, headers });
}

export async function call(url: string, init: RequestInit = {}): Promise<Answer> {
  const signal = AbortSignal.timeout(ANSWER_MILLISECONDS_MAX);
  const response = await fetch(url, { signal, redirect: 'manual', ...init });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: readJsonObject(text) };
}

/** What the token says of itself. Not verified: tests compare it with what the edge accepted. */
export function readClaims(token: string): Readonly<Record<string, unknown>> {
  const payload = token.split('.')[1] ?? '';
  return readJsonObject(Buffer.from(payload, 'base64url').toString('utf8'));
}

function readJsonObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {}; // Some answers have no JSON body; their status says all.
  }
}
