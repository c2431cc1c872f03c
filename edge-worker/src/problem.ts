/**
 * A refusal as an HTTP response: problem details (RFC 9457) and, where it is about the credential,
 * a challenge (RFC 6750 §3). Public text only; the evidence of a refusal goes to the log.
 */

import { REFUSALS, type Refusal } from '@cardea/shared/refusals';

export interface ProblemContext {
  readonly requestId: string;
  readonly method: string;
  /** `realm` of the challenge. Without quotation marks and backslashes. */
  readonly realm: string;
  /** Scopes of the route, for the challenge. `scope-token`s. */
  readonly requiredScopes: readonly string[];
  /** Where the age of the feed is the reason: `null` if there is no feed at all. */
  readonly feedAgeSeconds?: number | null | undefined;
}

/** Seconds since the stamp of the feed that was not trusted; absent if there was none. */
const FEED_AGE = 'cardea-feed-age';

/** Names a kind of problem (RFC 9457 §3.1.1); docs/errors.md explains each by its code. */
const TYPE_PREFIX = 'urn:cardea:problem:';

/** How long a client should wait after a 503. An edge looks for a newer feed once a second. */
const RETRY_AFTER_SECONDS = 5;

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
};

/** Never cached; without a body for HEAD (RFC 9110 §9.3.2). */
export function problemResponse({ reason }: Refusal, context: ProblemContext): Response {
  const { status, detail } = REFUSALS[reason];
  const headers = new Headers({
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
  });
  const challenge = challengeOf(reason, context);
  if (challenge !== undefined) headers.set('www-authenticate', challenge);
  if (status === 503) headers.set('retry-after', String(RETRY_AFTER_SECONDS));
  const { feedAgeSeconds } = context;
  if (typeof feedAgeSeconds === 'number') headers.set(FEED_AGE, String(feedAgeSeconds));
  if (context.method === 'HEAD') return new Response(null, { status, headers });
  const problem = {
    type: TYPE_PREFIX + reason,
    title: TITLES[status] ?? 'Refused',
    status,
    code: reason,
    detail,
    request_id: context.requestId,
    ...(feedAgeSeconds === undefined ? {} : { feed_age_seconds: feedAgeSeconds }),
  };
  return new Response(JSON.stringify(problem), { status, headers });
}

/**
 * `WWW-Authenticate` of every 401 and 403 and of whatever has an RFC 6750 §3.1 code. A request without
 * a credential gets no code (§3.1, last paragraph); the scopes are named where they help.
 */
function challengeOf(
  reason: Refusal['reason'],
  { realm, requiredScopes }: ProblemContext,
): string | undefined {
  const { status, wireCode, detail } = REFUSALS[reason];
  if (wireCode === null && status !== 401 && status !== 403) return undefined;
  const parameters = [`realm="${realm}"`];
  if (wireCode !== null) {
    // §3: neither quotation mark nor backslash in the description.
    const description = detail.replaceAll('"', "'").replaceAll('\\', '/');
    parameters.push(`error="${wireCode}"`, `error_description="${description}"`);
  }
  const namesScopes = reason === 'scope_insufficient' || reason === 'credential_missing';
  if (namesScopes && requiredScopes.length > 0) {
    parameters.push(`scope="${requiredScopes.join(' ')}"`);
  }
  return `Bearer ${parameters.join(', ')}`;
}
