/**
 * The request as the origin gets it, and the answer as the client gets it. Where the request goes is
 * decided by configuration alone; bodies pass as streams; redirects are the client's business.
 */

import { rememberNames } from './header-filter.ts';
import {
  IDENTITY_HEADER_NAMES,
  type IdentityHeaders,
  isDroppedFromRequest,
} from './identity-headers.ts';
import type { RequestTarget } from './request-target.ts';

export interface ForwardOptions {
  readonly originBase: string;
  readonly forwardCredential: boolean;
}

/** A request and what was read of it, once: in Workers each such member is a call into the runtime. */
export interface ReceivedRequest {
  readonly request: Request;
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
}

export interface ForwardedCall {
  readonly target: RequestTarget;
  readonly requestId: string;
  /** {@link CLIENT_ADDRESS} of the request, if the platform said one. */
  readonly clientAddress: string | undefined;
  /** `undefined` on a public route: the origin is told nothing about the caller. */
  readonly identity: IdentityHeaders | undefined;
}

/** What Fetch is called with. */
export interface OriginRequest {
  readonly url: string;
  readonly init: RequestInit;
  /** Whether the client asked for a WebSocket (RFC 6455 §4.1), so that the origin may agree. */
  readonly isUpgrade: boolean;
}

/** The address that Cloudflare saw; it replaces whatever a client sends under this name. */
export const CLIENT_ADDRESS = 'cf-connecting-ip';

const dropsFromRequest = rememberNames(isDroppedFromRequest);

/**
 * The request for the origin. Path and query are those of `target`, byte for byte. The method is one
 * that Fetch sends; a GET or HEAD has no body, the caller has refused those that had.
 */
export function originRequest(
  { request, method, url, headers: received }: ReceivedRequest,
  { target, requestId, clientAddress, identity }: ForwardedCall,
  { originBase, forwardCredential }: ForwardOptions,
): OriginRequest {
  const headers = new Headers(received);
  let isUpgrade = false;
  for (const name of received.keys()) {
    if (!dropsFromRequest(name)) continue;
    if (name === 'upgrade') isUpgrade = received.get(name)?.toLowerCase() === 'websocket';
    headers.delete(name);
  }
  if (isUpgrade) headers.set('upgrade', 'websocket');
  if (!forwardCredential) headers.delete('authorization');
  if (identity !== undefined) {
    for (const [name, value] of identity) headers.set(name, value);
  }
  setForwarded(headers, url, clientAddress);
  headers.set('x-request-id', requestId);
  const body = method === 'GET' || method === 'HEAD' ? null : request.body;
  const init: RequestInit = { method, headers, body, redirect: 'manual' };
  // Cloudflare's cache knows nothing of who called: an answer for one caller must not be found there
  // by the next. Only what is the same for everybody may be.
  if (identity !== undefined || forwardCredential) init.cache = 'no-store';
  return { url: originBase + target.path + target.query, init, isUpgrade };
}

/** From what the platform saw. Chains that a client sent are not continued: nobody vouches for them. */
function setForwarded(headers: Headers, url: string, clientAddress: string | undefined): void {
  const schemeEnd = url.indexOf('://');
  const hostStart = schemeEnd + 3;
  if (clientAddress !== undefined) headers.set('x-forwarded-for', clientAddress);
  headers.set('x-forwarded-proto', url.slice(0, schemeEnd));
  headers.set('x-forwarded-host', url.slice(hostStart, url.indexOf('/', hostStart)));
}

/**
 * The answer for the client: the origin's, without the edge's own header names, and not to be stored
 * by caches if it was made for one caller and the origin did not say otherwise.
 */
export function clientResponse(response: Response, isForOneCaller: boolean): Response {
  // A WebSocket cannot be wrapped again, and is no answer that a cache stores. On a public route the
  // origin was told nothing that it could give away.
  if (response.status === 101 || !isForOneCaller) return response;
  const answer = new Response(response.body, response);
  const { headers } = answer;
  for (const name of IDENTITY_HEADER_NAMES) headers.delete(name);
  if (!headers.has('cache-control')) headers.set('cache-control', 'private, no-store');
  return answer;
}
