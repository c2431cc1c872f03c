/**
 * Runs inside workerd: the same tokens verified by Cardea's gate, by bare WebCrypto and by jose, and
 * the edge's whole decision about tokens it has seen before. The sides take turns, so that a machine
 * that speeds up or slows down does so for all of them.
 */

import { decodeBase64url } from '@cardea/shared/bytes/base64url';
import { encodeUtf8 } from '@cardea/shared/bytes/utf8';
import { importFeedKeys } from '@cardea/shared/feed/feed-key';
import {
  type JwtPolicy,
  type JwtVerificationKey,
  verifyJwtUnderKey,
} from '@cardea/shared/jwt/verify';
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
import { measureInTurns } from './turns.ts';

const REVOCATIONS = 10_000;
const CLOSED = { openForSeconds: 0 };
const CONTEXT = { waitUntil: () => undefined };

interface SignedBytes {
  readonly message: Uint8Array<ArrayBuffer>;
  readonly signature: Uint8Array<ArrayBuffer>;
}
const NOTHING: SignedBytes = { message: new Uint8Array(), signature: new Uint8Array() };

interface Prepared {
  readonly fixture: FeedFixture;
  readonly key: JwtVerificationKey;
  readonly josePublicKey: JoseKey;
  readonly edge: AuthorizeOptions;
  /** What the signatures are over, as bytes. */
  readonly signed: readonly SignedBytes[];
  /** As requests carry them: reading one gives a new string, whose hash nobody has computed. */
  readonly headers: readonly Headers[];
}
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
  const signed = fixture.tokens.map(signedBytesOf);
  return { fixture, key, josePublicKey: fixture.josePublicKey, edge, signed, headers };
}

function signedBytesOf(token: string): SignedBytes {
  const end = token.lastIndexOf('.');
  const signature = decodeBase64url(token.slice(end + 1));
  return { message: encodeUtf8(token.slice(0, end)), signature: signature ?? NOTHING.signature };
}

/** First sight of each token: the whole gate. */
async function cardea({ fixture, key }: Prepared, n: number): Promise<void> {
  const nowSeconds = unixSeconds(Date.now() / 1000);
  const verification = { keys: new Map([[fixture.kid, key]]), policy, nowSeconds };
  for (let i = 0; i < n; i++) {
    const token = fixture.tokens[i % fixture.tokens.length] ?? '';
    const result = await verifyJwtUnderKey(token, verification);
    if (!result.ok) throw new Error(result.refusal.reason);
  }
}

/** The floor: the signature alone, over bytes that are ready. */
async function webcrypto({ signed, key }: Prepared, n: number): Promise<void> {
  for (let i = 0; i < n; i++) {
    const { signature, message } = signed[i % signed.length] ?? NOTHING;
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

const CALLED = {
  ...{ method: 'GET', url: 'https://edge.test/v1/notes', segments: ['v1', 'notes'] },
  ...{ tool: undefined, clientAddress: undefined },
};

/** A token seen before: header, feed, cache, expiry, key, 10,000 revocations, scopes. */
async function warm({ edge, headers }: Prepared, n: number): Promise<void> {
  const requiredScopes = ['notes:read'];
  for (let i = 0; i < n; i++) {
    const authorization = headers[i % headers.length]?.get('authorization') ?? null;
    const token = extractToken(authorization, '');
    if (!token.ok) throw new Error(token.refusal.reason);
    const context = { now: unixMilliseconds(Date.now()), ...CONTEXT };
    const access = { token: token.value, requiredScopes, stale: CLOSED, context };
    const pending = authorize(edge, { ...access, called: CALLED });
    const decision = pending instanceof Promise ? await pending : pending;
    if (!decision.ok) throw new Error(decision.refusal.reason);
  }
}

/** Each side, and how many verifications make a turn of it. */
const SIDES = {
  cardea: { verify: cardea, turn: 400 },
  webcrypto: { verify: webcrypto, turn: 400 },
  jose: { verify: jose, turn: 400 },
  warm: { verify: warm, turn: 20_000 },
} as const;

export default {
  async fetch(request: Request): Promise<Response> {
    const { searchParams } = new URL(request.url);
    const state = await prepare(Number(searchParams.get('tokens')));
    await measureInTurns(state, { sides: SIDES, rounds: 3 }); // Warm-up, not counted.
    const rounds = Number(searchParams.get('rounds'));
    return Response.json(await measureInTurns(state, { sides: SIDES, rounds }));
  },
};
