/**
 * The request as the origin gets it, and the answer as the client gets it. Where the request goes is
 * decided by configuration alone; bodies pass as streams; redirects are the client's business.
 */

import { rememberNames } from './header-filter.ts';
import {
  type IdentityHeaders,
  isDroppedFromRequest,
  isDroppedFromResponse,
} from './identity-headers.ts';
import type { RequestTarget } from './request-target.ts';

export interface ForwardOptions {
  readonly originBase: string;
  readonly forwardCredential: boolean;
}

export interface ForwardedCall {
  readonly target: RequestTarget;
  readonly requestId: string;
  /** `undefined` on a public route: the origin is told nothing about the caller. */
  readonly identity: IdentityHeaders | undefined;
}

/** The address that Cloudflare saw; it replaces whatever a client sends under this name. */
export const CLIENT_ADDRESS = 'cf-connecting-ip';

const dropsFromRequest = rememberNames(isDroppedFromRequest);
const dropsFromResponse = rememberNames(isDroppedFromResponse);

/** Whether the request asks to become a WebSocket (RFC 6455 §4.1). */
export function isWebSocketUpgrade(request: Request): boolean {
  return request.headers.get('upgrade')?.toLowerCase() === 'websocket';
}

/**
 * The request for the origin. Path and query are those of `target`, byte for byte. The method is one
 * that Fetch sends, and a GET or HEAD has no body: the caller has refused others.
 */
export function originRequest(
  request: Request,
  { target, requestId, identity }: ForwardedCall,
  { originBase, forwardCredential }: ForwardOptions,
): Request {
  const headers = new Headers(request.headers);
  for (const name of request.headers.keys()) {
    if (dropsFromRequest(name)) headers.delete(name);
  }
  if (!forwardCredential) headers.delete('authorization');
  for (const [name, value] of identity ?? []) headers.set(name, value);
  setForwarded(headers, request);
  headers.set('x-request-id', requestId);
  if (isWebSocketUpgrade(request)) headers.set('upgrade', 'websocket');
  return new Request(originBase + target.path + target.query, {
    method: request.method,
    headers,
    body: request.body,
    redirect: 'manual',
    // Cloudflare's cache knows nothing of who called: an answer for one caller must not be found there
    // by the next. Only what is the same for everybody may be.
    ...(identity === undefined && !forwardCredential ? {} : { cache: 'no-store' }),
  });
}

/** From what the platform saw. Chains that a client sent are not continued: nobody vouches for them. */
function setForwarded(headers: Headers, request: Request): void {
  const address = request.headers.get(CLIENT_ADDRESS);
  if (address !== null) headers.set('x-forwarded-for', address);
  const { url } = request;
  const schemeEnd = url.indexOf('://');
  headers.set('x-forwarded-proto', url.slice(0, schemeEnd));
  headers.set('x-forwarded-host', url.slice(schemeEnd + 3, url.indexOf('/', schemeEnd + 3)));
}

/**
 * The answer for the client: the origin's, without the edge's own header names, and not to be stored
 * by caches if it was made for one caller and the origin did not say otherwise.
 */
export function clientResponse(response: Response, isForOneCaller: boolean): Response {
  // A WebSocket cannot be wrapped again, and is no answer that a cache stores.
  if (response.status === 101) return response;
  const dropped = [...response.headers.keys()].filter(dropsFromResponse);
  const needsCacheControl = isForOneCaller && !response.headers.has('cache-control');
  if (dropped.length === 0 && !needsCacheControl) return response;
  const answer = new Response(response.body, response);
  for (const name of dropped) answer.headers.delete(name);
  if (needsCacheControl) answer.headers.set('cache-control', 'private, no-store');
  return answer;
}
