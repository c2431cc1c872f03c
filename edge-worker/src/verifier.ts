/**
 * The edge's decision as a library, for a server on Node that has no edge in front of it and no KV
 * (`docs/verify-on-node.md`). It asks the control plane for the feed (lane B), keeps it in memory and
 * decides through `authorize.ts`, as the edge does. A composition root: it reads the clock.
 */

import { decodeBase64url } from '@cardea/shared/bytes/base64url';
import { importFeedKeys } from '@cardea/shared/feed/feed-key';
import { EDGE_SECRET_BYTES, importEdgeSealingKey, isEdgeId } from '@cardea/shared/feed/sealed-key';
import type { TokenPolicy } from '@cardea/shared/jwt/check-claims';
import {
  CLOCK_SKEW_SECONDS_MAX,
  DERIVED_TOKEN_TTL_SECONDS_MAX_DEFAULT,
} from '@cardea/shared/limits';
import { accept, type Result } from '@cardea/shared/result';
import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import { unixMilliseconds } from '@cardea/shared/time';
import { type AuthorizeOptions, authorize, type Grant } from './authorize.ts';
import { extractToken } from './extract.ts';
import { createEdgeFeed } from './feed/create-edge-feed.ts';
import type { FeedStatus, RequestContext } from './feed/edge-feed.ts';
import { createHttpFeedSource } from './feed/http-feed-source.ts';
import { parseHttpUrl } from './http-url.ts';
import type { IdentityHeaders } from './identity-headers.ts';
import { reportFailure } from './report.ts';
import type { CaveatCheckers } from './request-facts.ts';
import { readTarget } from './request-target.ts';
import { VerifiedTokenCache } from './verified-token-cache.ts';

export interface VerifierOptions {
  /** Where the control plane answers: up to and without `/feed/v1/head`. */
  readonly feedUrl: string;
  /** base64url of 32 bytes each: public halves of `FEED_SIGNING_KEY`. Pinned. */
  readonly feedPublicKeys: readonly string[];
  /** As on the control plane: `ENVIRONMENT_ID`, `ISSUER`. */
  readonly environmentId: string;
  readonly issuer: string;
  /** What tokens must be for; the issuer if it is not told. */
  readonly audience?: string;
  /** Whose tokens; those of the default tenant if it is not told. */
  readonly tenantId?: string;
  /** How old the feed may be, seconds. The bound of a revocation is this and the skew. Default 10. */
  readonly hardSeconds?: number;
  /** 0 to 60, default 60. */
  readonly clockSkewSeconds?: number;
  /** Longest `exp − iat` accepted: as on the control plane. */
  readonly tokenLifetimeSecondsMax?: number;
  /** By which the control plane knows this server in `GET /v1/admin/feed`. */
  readonly name?: string;
  /** As the control plane registered it (`POST /v1/admin/edges`). Without it macaroons are refused. */
  readonly edge?: { readonly id: string; readonly secret: string };
  /** Who can clear `ext:` caveats of macaroons. */
  readonly checkers?: CaveatCheckers;
  /** Gets a line of JSON for a bug in the background; `console.error` if it is not told. */
  readonly log?: (line: string) => void;
}

export interface RequestToVerify {
  /** All of them are needed. None means: any valid token. */
  readonly requiredScopes: readonly string[];
  readonly method: string;
  /** Absolute, as the client called it: caveats of macaroons are about host and path. */
  readonly url: string;
  /** As your server or your proxy saw it, never as the client says. Without it no range matches. */
  readonly clientAddress?: string | undefined;
  /** What the request is a call of, for caveats about tools. */
  readonly tool?: string | undefined;
}

/** Who calls, and with what. */
export interface VerifiedCaller {
  readonly keyId: string;
  readonly tokenId: string;
  readonly tenantId: string;
  readonly actor: string | undefined;
  readonly scopes: readonly string[];
  readonly expiresAtSeconds: number;
  /** How old the feed was that the decision is by, seconds. */
  readonly feedAgeSeconds: number;
}

export interface Verifier {
  /**
   * Refuses as the edge does: with the reasons of `docs/errors.md`, `feed_stale` among them, when the
   * control plane has not answered for `hardSeconds`. Asks nobody while the feed is fresh.
   */
  verify(token: string, request: RequestToVerify): Promise<Result<VerifiedCaller>>;
  /** The same for the value of an Authorization header; `null` or `undefined` if there is none. */
  verifyAuthorization(
    authorization: string | null | undefined,
    request: RequestToVerify,
  ): Promise<Result<VerifiedCaller>>;
  status(): FeedStatus;
}

const HARD_SECONDS_DEFAULT = 10;
const HARD_SECONDS_MIN = 4;
const CLOSED = { openForSeconds: 0 };

/** Throws `TypeError` with all that is wrong with the options, by name. */
export async function createVerifier(options: VerifierOptions): Promise<Verifier> {
  const { hardSeconds = HARD_SECONDS_DEFAULT, clockSkewSeconds = CLOCK_SKEW_SECONDS_MAX } = options;
  const problems = problemsOf(options);
  const feedKeys = await importFeedKeys(options.feedPublicKeys);
  if (!feedKeys.ok) problems.push('feedPublicKeys: a key is malformed or weak');
  if (problems.length > 0 || !feedKeys.ok) throw new TypeError(problems.join('; '));
  const clock = () => unixMilliseconds(Date.now());
  const { feedUrl, environmentId, issuer, log = console.error } = options;
  const feed = createEdgeFeed({
    source: createHttpFeedSource({
      baseUrl: feedUrl.replace(/\/$/, ''),
      fetch: (url, init) => fetch(url, init),
      edgeName: options.name,
    }),
    ...{ lane: 'b', environmentId, feedKeys: feedKeys.value, hardSeconds, clockSkewSeconds, clock },
    edgeIdentity: await identityOf(options),
    pause: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
    loadsAlone: true,
  });
  const policy: TokenPolicy = {
    issuer,
    audience: options.audience ?? issuer,
    tenantId: options.tenantId ?? DEFAULT_TENANT_ID,
    lifetimeSecondsMax: options.tokenLifetimeSecondsMax ?? DERIVED_TOKEN_TTL_SECONDS_MAX_DEFAULT,
    clockSkewSeconds,
  };
  const cache = new VerifiedTokenCache();
  const authorizing: AuthorizeOptions = { feed, cache, policy, clock, checkers: options.checkers };
  const verify = (token: string, request: RequestToVerify) =>
    verifyRequest(authorizing, { token, request, log });
  return {
    verify,
    verifyAuthorization: async (authorization, request) => {
      const target = readTarget(request.url);
      if (!target.ok) return target;
      const acceptsMacaroons = options.edge !== undefined;
      const token = extractToken(authorization ?? null, target.value.query, acceptsMacaroons);
      return token.ok ? verify(token.value, request) : token;
    },
    status: () => feed.status(clock()),
  };
}

interface Asked {
  readonly token: string;
  readonly request: RequestToVerify;
  readonly log: (line: string) => void;
}

async function verifyRequest(
  authorizing: AuthorizeOptions,
  { token, request, log }: Asked,
): Promise<Result<VerifiedCaller>> {
  const { requiredScopes, method, url, tool, clientAddress } = request;
  const target = readTarget(url);
  if (!target.ok) return target;
  const context: RequestContext = {
    now: authorizing.clock(),
    // Whoever waits for the same work hears of a bug, too; the process does not end by it.
    waitUntil: (work) => {
      const about = { requestId: '', method, route: undefined };
      work.catch((error: unknown) => reportFailure(log, error, about));
    },
  };
  const called = { method, url, segments: target.value.segments, tool, clientAddress };
  const granted = await authorize(authorizing, {
    ...{ token, requiredScopes, stale: CLOSED, called, context },
  });
  return granted.ok ? accept(callerOf(granted.value)) : granted;
}

/** What an edge would have told the origin, decoded. */
function callerOf({ token, trusted }: Grant): VerifiedCaller {
  const { identity } = token;
  const scopes = headerOf(identity, 'cardea-scopes');
  return {
    keyId: decodeURIComponent(headerOf(identity, 'cardea-key-id') ?? ''),
    tokenId: decodeURIComponent(headerOf(identity, 'cardea-token-id') ?? ''),
    tenantId: decodeURIComponent(headerOf(identity, 'cardea-tenant') ?? ''),
    actor: decoded(headerOf(identity, 'cardea-actor')),
    scopes: scopes ? scopes.split(' ').map(decodeURIComponent) : [],
    expiresAtSeconds: token.expiresAtSeconds,
    feedAgeSeconds: trusted.ageSeconds,
  };
}

function headerOf(identity: IdentityHeaders, name: string): string | undefined {
  return identity.find(([each]) => each === name)?.[1];
}

function decoded(text: string | undefined): string | undefined {
  return text === undefined ? undefined : decodeURIComponent(text);
}

function problemsOf(options: VerifierOptions): string[] {
  const { feedUrl, hardSeconds = HARD_SECONDS_DEFAULT, clockSkewSeconds = 0, edge } = options;
  const problems: string[] = [];
  const url = parseHttpUrl(feedUrl);
  if (url === undefined || /[?#@]/.test(feedUrl)) {
    problems.push('feedUrl: must be an http(s) URL without user, query or fragment');
  }
  if (options.feedPublicKeys.length === 0) problems.push('feedPublicKeys: must name a key');
  if (options.environmentId === '') problems.push('environmentId: must not be empty');
  if (options.issuer === '') problems.push('issuer: must not be empty');
  if (!(Number.isInteger(hardSeconds) && hardSeconds >= HARD_SECONDS_MIN)) {
    problems.push(`hardSeconds: must be a whole number of at least ${HARD_SECONDS_MIN}`);
  }
  const isSkew = Number.isInteger(clockSkewSeconds) && clockSkewSeconds >= 0;
  if (!isSkew || clockSkewSeconds > CLOCK_SKEW_SECONDS_MAX) {
    problems.push(`clockSkewSeconds: must be a whole number from 0 to ${CLOCK_SKEW_SECONDS_MAX}`);
  }
  if (edge !== undefined) {
    if (!isEdgeId(edge.id)) problems.push('edge.id: must be 1 to 64 of A-Z a-z 0-9 . _ -');
    if (decodeBase64url(edge.secret)?.length !== EDGE_SECRET_BYTES) {
      problems.push('edge.secret: must be base64url of 32 bytes');
    }
  }
  return problems;
}

async function identityOf({ environmentId, edge }: VerifierOptions) {
  if (edge === undefined) return undefined;
  const secret = decodeBase64url(edge.secret) ?? new Uint8Array();
  return {
    ...{ environmentId, edgeId: edge.id },
    sealingKey: await importEdgeSealingKey(secret, ['decrypt']),
  };
}
