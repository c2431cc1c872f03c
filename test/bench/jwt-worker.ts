/**
 * Runs inside workerd: the same tokens verified by Cardea's gate, by bare WebCrypto and by jose, and
 * the edge's whole decision about tokens it has seen before. The host takes the time of a request of
 * `n` verifications, because clocks in workerd may stand still.
 */

import { encodeUtf8 } from '@cardea/shared/bytes/utf8';
import { importFeedKeys } from '@cardea/shared/feed/feed-key';
import type { JwtPolicy, JwtVerificationKey } from '@cardea/shared/jwt/verify';
import { verifyJwt } from '@cardea/shared/jwt/verify';
import { unixMilliseconds, unixSeconds } from '@cardea/shared/time';
import { type CryptoKey as JoseKey, jwtVerify } from 'jose';
import { type AuthorizeOptions, authorize } from '../../edge-worker/src/authorize.ts';
import { extractToken } from '../../edge-worker/src/extract.ts';
import { createEdgeFeed } from '../../edge-worker/src/feed/create-edge-feed.ts';
import { VerifiedTokenCache } from '../../edge-worker/src/verified-token-cache.ts';
import {
  ENVIRONMENT_ID,
  type FeedFixture,
  HEAD_OBJECT,
  ISSUER,
  LIFETIME_SECONDS_MAX,
  makeFeedFixture,
  TENANT_ID,
} from './feed-fixture.ts';

const REVOCATIONS = 10_000;
const CLOSED = { openForSeconds: 0 };
const CONTEXT = { waitUntil: () => undefined };

interface Prepared {
  readonly fixture: FeedFixture;
  readonly key: JwtVerificationKey;
  readonly josePublicKey: JoseKey;
  readonly edge: AuthorizeOptions;
  /** As requests carry them: reading one gives a new string, whose hash nobody has computed. */
  readonly headers: readonly Headers[];
}
let prepared: Prepared | undefined; // Plain data of one measurement.

const policy: JwtPolicy = {
  issuer: ISSUER,
  audience: ISSUER,
  tenantId: TENANT_ID,
  lifetimeSecondsMax: LIFETIME_SECONDS_MAX,
  clockSkewSeconds: 60,
};

async function prepare(tokenCount: number): Promise<Prepared> {
  const nowSeconds = Math.floor(Date.now() / 1000);
  const fixture = await makeFeedFixture({ nowSeconds, tokenCount, entryCount: REVOCATIONS });
  const objects = new Map([
    [HEAD_OBJECT, fixture.head],
    [fixture.keyset.name, fixture.keyset.text],
  ]);
  const feedKeys = await importFeedKeys([fixture.feedPublicKey]);
  if (!feedKeys.ok) throw new Error(feedKeys.refusal.reason);
  const clock = () => unixMilliseconds(Date.now());
  const feed = createEdgeFeed({
    source: {
      readHead: async () => objects.get(HEAD_OBJECT),
      readObject: async (name) => {
        const text = objects.get(name);
        return text === undefined ? undefined : encodeUtf8(text).buffer;
      },
    },
    environmentId: ENVIRONMENT_ID,
    feedKeys: feedKeys.value,
    hardSeconds: 3600,
    clockSkewSeconds: policy.clockSkewSeconds,
    clock,
  });
  const trusted = await feed.snapshot({ now: clock(), ...CONTEXT }, CLOSED);
  if (!trusted.ok) throw new Error(trusted.refusal.reason);
  const key = trusted.value.snapshot.jwtKeys.get(fixture.kid);
  if (key === undefined) throw new Error('The key is not in the feed.');
  const headers = fixture.tokens.map((token) => new Headers({ authorization: `Bearer ${token}` }));
  const edge = { feed, cache: new VerifiedTokenCache(), policy, clock };
  return { fixture, key, josePublicKey: fixture.josePublicKey, edge, headers };
}

/** First sight of each token: the whole gate. */
async function cardea({ fixture, key }: Prepared, n: number): Promise<void> {
  const nowSeconds = unixSeconds(Date.now() / 1000);
  const verification = { keys: new Map([[fixture.kid, key]]), policy, nowSeconds };
  for (let i = 0; i < n; i++) {
    const result = await verifyJwt(fixture.tokens[i % fixture.tokens.length] ?? '', verification);
    if (!result.ok) throw new Error(result.refusal.reason);
  }
}

/** The floor: the signature alone, over bytes that are ready. */
async function webcrypto({ fixture, key }: Prepared, n: number): Promise<void> {
  const ready = fixture.tokens.map((token) => {
    const end = token.lastIndexOf('.');
    const base64 = token
      .slice(end + 1)
      .replaceAll('-', '+')
      .replaceAll('_', '/');
    const signature = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
    return { message: encodeUtf8(token.slice(0, end)), signature };
  });
  const none = { message: new Uint8Array(), signature: new Uint8Array() };
  for (let i = 0; i < n; i++) {
    const { signature, message } = ready[i % ready.length] ?? none;
    const valid = await crypto.subtle.verify('Ed25519', key.key, signature, message);
    if (!valid) throw new Error('invalid');
  }
}

/** What a user would otherwise pick: jose with the options that RFC 8725 asks for. */
async function jose({ fixture, josePublicKey }: Prepared, n: number): Promise<void> {
  const options = { algorithms: ['EdDSA'], issuer: ISSUER, audience: ISSUER, typ: 'JWT' };
  const keyOf = (header: { kid?: string }): JoseKey => {
    if (header.kid !== fixture.kid) throw new Error('unknown kid');
    return josePublicKey;
  };
  for (let i = 0; i < n; i++) {
    await jwtVerify(fixture.tokens[i % fixture.tokens.length] ?? '', keyOf, options);
  }
}

/** A token seen before: header, feed, cache, expiry, key, 10,000 revocations, scopes. */
async function warm({ edge, headers }: Prepared, n: number): Promise<void> {
  const requiredScopes = ['notes:read'];
  for (let i = 0; i < n; i++) {
    const authorization = headers[i % headers.length]?.get('authorization') ?? null;
    const token = extractToken(authorization, '');
    if (!token.ok) throw new Error(token.refusal.reason);
    const context = { now: unixMilliseconds(Date.now()), ...CONTEXT };
    const access = { token: token.value, requiredScopes, stale: CLOSED, context };
    const pending = authorize(edge, { ...access, clientAddress: undefined });
    const decision = pending instanceof Promise ? await pending : pending;
    if (!decision.ok) throw new Error(decision.refusal.reason);
  }
}

const SIDES: Record<string, (state: Prepared, n: number) => Promise<void>> = {
  cardea,
  webcrypto,
  jose,
  warm,
};

export default {
  async fetch(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const n = Number(searchParams.get('n') ?? '0');
    if (pathname === '/prepare') {
      prepared = await prepare(n);
      return Response.json({ bytes: prepared.fixture.tokens[0]?.length });
    }
    const side = SIDES[pathname.slice(1)];
    if (side === undefined || prepared === undefined) return new Response(null, { status: 404 });
    await side(prepared, n);
    return new Response('ok');
  },
};
