/**
 * The pipeline of one request: target → own endpoints → route → credential → decision → origin. Every
 * way out that is not the origin's answer is a refusal of the catalogue, reported and answered here.
 */

import type { Refusal } from '@cardea/shared/refusals';
import { type Result, refuse } from '@cardea/shared/result';
import { unixMilliseconds } from '@cardea/shared/time';
import { type AuthorizeOptions, authorize, type Grant } from './authorize.ts';
import type { EdgeConfig } from './config.ts';
import { extractToken } from './extract.ts';
import type { EdgeFeed } from './feed/edge-feed.ts';
import { answerOwnEndpoint } from './own-endpoints.ts';
import { problemResponse } from './problem.ts';
import {
  CLIENT_ADDRESS,
  clientResponse,
  type ForwardedCall,
  originRequest,
  type ReceivedRequest,
} from './proxy.ts';
import {
  type Log,
  reportDegraded,
  reportFailure,
  reportFallback,
  reportRefusal,
} from './report.ts';
import type { CaveatCheckers } from './request-facts.ts';
import { type RequestTarget, readTarget } from './request-target.ts';
import { OWN_SEGMENT } from './route-pattern.ts';
import { METHODS, matchRoute, type RouteAccess, type RouteRule } from './routes.ts';
import { VerifiedTokenCache } from './verified-token-cache.ts';

export interface EdgeOptions {
  readonly config: Omit<EdgeConfig, 'feedNamespace' | 'laneB' | 'feedPublicKeys'>;
  readonly feed: EdgeFeed;
  /** Who can clear `ext:` caveats of macaroons. Without them none is cleared (docs/caveats.md). */
  readonly checkers?: CaveatCheckers;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Fetch, towards the origin. Throws if there is no answer. */
  readonly fetchOrigin: (url: string, init: RequestInit) => Promise<Response>;
  /** An id that no other request has, of header-safe ASCII. */
  readonly requestId: () => string;
  readonly log: Log;
}

/** What of the runtime's execution context the edge needs. */
export interface Background {
  waitUntil(work: Promise<unknown>): void;
}

export type EdgeHandler = (request: Request, background: Background) => Promise<Response>;

interface Edge extends EdgeOptions {
  readonly authorizing: AuthorizeOptions;
}

/** One request on its way. `rule` is set once a route has matched. */
interface Passage extends ReceivedRequest {
  readonly requestId: string;
  readonly background: Background;
  rule: RouteRule | undefined;
}

/** Without a promise where nothing has to be waited for: each would be turns of the job queue. */
type MaybePromise<T> = T | Promise<T>;

/** An edge with its own, empty token cache. Lives as long as the isolate; holds no request's data. */
export function createEdge(options: EdgeOptions): EdgeHandler {
  const { config, feed, now } = options;
  const authorizing: AuthorizeOptions = {
    feed,
    cache: new VerifiedTokenCache(),
    policy: config.jwtPolicy,
    clock: () => unixMilliseconds(now()),
    checkers: options.checkers,
  };
  const edge: Edge = { ...options, authorizing };
  return async (request, background) => {
    const { method, url, headers } = request;
    const requestId = options.requestId();
    const received = { request, method, url, headers };
    const passage: Passage = { ...received, requestId, background, rule: undefined };
    try {
      return await handle(edge, passage);
    } catch (error) {
      // A bug: whatever it was, nothing has been forwarded on its account.
      reportFailure(edge.log, error, reportContextOf(passage));
      return answerRefusal(edge, passage, { refusal: { reason: 'edge_failed' } });
    }
  };
}

function handle(edge: Edge, passage: Passage): MaybePromise<Response> {
  const { method } = passage;
  const target = readTarget(passage.url);
  if (!target.ok) return refused(edge, passage, target.refusal);
  const { segments } = target.value;
  if (segments[0] === OWN_SEGMENT) return handleOwn(edge, passage, segments.slice(1));
  if (!METHODS.has(method)) return refusedFor(edge, passage, 'method');
  if (hasUnexpectedBody(passage)) return refusedFor(edge, passage, 'body');
  passage.rule = matchRoute(edge.config.routes, method, segments);
  if (passage.rule === undefined) return refused(edge, passage, { reason: 'route_unknown' });
  return handleRoute(edge, passage, { target: target.value, access: passage.rule.access });
}

/** What a body of a GET means is read differently by servers, and Fetch cannot send one. */
function hasUnexpectedBody({ request, method, headers }: ReceivedRequest): boolean {
  if ((method !== 'GET' && method !== 'HEAD') || request.body === null) return false;
  return headers.get('content-length') !== '0'; // Some clients announce that there is none.
}

function handleRoute(
  edge: Edge,
  passage: Passage,
  { target, access }: { readonly target: RequestTarget; readonly access: RouteAccess },
): MaybePromise<Response> {
  const { requestId, method, url, headers, background } = passage;
  const clientAddress = headers.get(CLIENT_ADDRESS) ?? undefined;
  const call = { target, requestId, clientAddress };
  if (access.kind === 'public') return forward(edge, passage, { ...call, identity: undefined });
  const acceptsMacaroons = edge.config.edgeCredentials !== undefined;
  const token = extractToken(headers.get('authorization'), target.query, acceptsMacaroons);
  if (!token.ok) return refused(edge, passage, token.refusal);
  const { segments } = target;
  const decision = authorize(edge.authorizing, {
    token: token.value,
    requiredScopes: access.scopes,
    stale: access.stale,
    called: { method, url, segments, tool: access.tool, clientAddress },
    context: {
      now: edge.authorizing.clock(),
      waitUntil: (work) => background.waitUntil(work),
    },
  });
  return decision instanceof Promise
    ? decision.then((decided) => act(edge, passage, { call, decided }))
    : act(edge, passage, { call, decided: decision });
}

interface Decided {
  readonly call: Omit<ForwardedCall, 'identity'>;
  readonly decided: Result<Grant>;
}

function act(edge: Edge, passage: Passage, { call, decided }: Decided): MaybePromise<Response> {
  if (!decided.ok) return refused(edge, passage, decided.refusal);
  logUnlessFresh(edge, passage, decided.value);
  return forward(edge, passage, { ...call, identity: decided.value.token.identity });
}

async function forward(edge: Edge, passage: Passage, call: ForwardedCall): Promise<Response> {
  const { url, init, isUpgrade } = originRequest(passage, call, edge.config);
  let response: Response;
  try {
    response = await edge.fetchOrigin(url, init);
  } catch {
    // Fetch says in words only why it got no answer, and words of the runtime are not ours to pass on.
    return refused(edge, passage, { reason: 'origin_unreachable' });
  }
  if (response.status === 101 && !isUpgrade) {
    return refused(edge, passage, { reason: 'origin_unreachable', evidence: { status: 101 } });
  }
  return clientResponse(response, call.identity !== undefined);
}

async function handleOwn(
  edge: Edge,
  passage: Passage,
  segments: readonly string[],
): Promise<Response> {
  const { method, background } = passage;
  const context = {
    now: edge.authorizing.clock(),
    waitUntil: (work: Promise<unknown>) => background.waitUntil(work),
  };
  const isRead = method === 'GET' || method === 'HEAD';
  const answer = isRead ? await answerOwnEndpoint(segments, context, edge.feed) : undefined;
  if (answer === undefined) return refused(edge, passage, { reason: 'route_unknown' });
  return method === 'HEAD' ? new Response(null, answer) : answer;
}

function refusedFor(edge: Edge, passage: Passage, rule: string): Response {
  return refused(edge, passage, refuse('request_malformed', { rule }).refusal);
}

function refused(edge: Edge, passage: Passage, refusal: Refusal): Response {
  const feedAgeSeconds = feedAgeOf(edge, refusal);
  reportRefusal(edge.log, refusal, { ...reportContextOf(passage), feedAgeSeconds });
  return answerRefusal(edge, passage, { refusal, feedAgeSeconds });
}

/** Told wherever the age is the reason. `null`: there is no feed at all yet. */
function feedAgeOf({ feed, authorizing }: Edge, { reason }: Refusal): number | null | undefined {
  if (reason !== 'feed_stale' && reason !== 'feed_invalid') return undefined;
  return feed.status(authorizing.clock()).ageSeconds ?? null;
}

interface Refused {
  readonly refusal: Refusal;
  readonly feedAgeSeconds?: number | null | undefined;
}

function answerRefusal(edge: Edge, passage: Passage, { refusal, feedAgeSeconds }: Refused) {
  const { method, requestId, rule } = passage;
  return problemResponse(refusal, {
    requestId,
    method,
    realm: edge.config.jwtPolicy.audience,
    requiredScopes: rule?.access.kind === 'token' ? rule.access.scopes : [],
    feedAgeSeconds,
  });
}

/** A request that passes under less than the best bound is never silent about it. */
function logUnlessFresh(edge: Edge, passage: Passage, { trusted }: Grant): void {
  const { degraded, isFallback, lane, ageSeconds, snapshot } = trusted;
  const feed = { seq: snapshot.seq, ageSeconds };
  if (degraded) {
    const access = passage.rule?.access;
    const openForSeconds = access?.kind === 'token' ? access.stale.openForSeconds : 0;
    reportDegraded(edge.log, { ...feed, openForSeconds }, reportContextOf(passage));
  } else if (isFallback) {
    reportFallback(edge.log, { ...feed, lane }, reportContextOf(passage));
  }
}

function reportContextOf({ method, requestId, rule }: Passage) {
  return { requestId, method, route: rule?.pattern.text };
}
