/**
 * Runs inside workerd: the edge's whole decision about macaroons that it has seen before, each with four
 * caveats that are cleared every time: header, feed, cache, expiry, key, 10,000 revocations, caveats,
 * scopes.
 */

import { encodeUtf8 } from '@cardea/shared/bytes/utf8';
import { importFeedKeys } from '@cardea/shared/feed/feed-key';
import { importEdgeSealingKey, sealMacaroonKey } from '@cardea/shared/feed/sealed-key';
import { attenuateToken } from '@cardea/shared/macaroon/attenuate';
import { encodeBaseGrant } from '@cardea/shared/macaroon/grant';
import { encodeIdentifier } from '@cardea/shared/macaroon/identifier';
import { mintMacaroon } from '@cardea/shared/macaroon/mint';
import { writeMacaroonToken } from '@cardea/shared/macaroon/token-text';
import { unixMilliseconds, unixSeconds } from '@cardea/shared/time';
import { type AuthorizeOptions, authorize } from '../../edge-worker/src/authorize.ts';
import { extractToken } from '../../edge-worker/src/extract.ts';
import { createEdgeFeed } from '../../edge-worker/src/feed/create-edge-feed.ts';
import { VerifiedTokenCache } from '../../edge-worker/src/verified-token-cache.ts';
import {
  ENVIRONMENT_ID,
  ISSUER,
  LIFETIME_SECONDS_MAX,
  makeFeedFixture,
  TENANT_ID,
} from './feed-fixture.ts';

const REVOCATIONS = 10_000;
const TURN = 20_000;
const CLOSED = { openForSeconds: 0 };
const CONTEXT = { waitUntil: () => undefined };
const REQUIRED_SCOPES = ['notes:read'];
const CALLED = {
  ...{ method: 'GET', url: 'https://api.bench.example/v1/notes/17' },
  ...{ segments: ['v1', 'notes', '17'], tool: undefined, clientAddress: undefined },
};

interface Prepared {
  readonly edge: AuthorizeOptions;
  /** As requests carry them: reading one gives a new string, whose hash nobody has computed. */
  readonly headers: readonly Headers[];
}

async function prepare(tokenCount: number): Promise<Prepared> {
  const nowSeconds = Math.floor(Date.now() / 1000);
  const secret = crypto.getRandomValues(new Uint8Array(32));
  const rootKey = crypto.getRandomValues(new Uint8Array(32));
  const sealingKey = await importEdgeSealingKey(secret, ['encrypt', 'decrypt']);
  const edgeIdentity = { environmentId: ENVIRONMENT_ID, edgeId: 'bench', sealingKey };
  const sealed = await sealMacaroonKey(edgeIdentity, {
    ...{ tenantId: TENANT_ID, issuer: ISSUER, audience: ISSUER, kid: 'macaroon-key', rootKey },
    notBeforeSeconds: unixSeconds(nowSeconds - 60),
    notAfterSeconds: unixSeconds(nowSeconds + LIFETIME_SECONDS_MAX),
  });
  const fixture = await makeFeedFixture({
    ...{ nowSeconds, tokenCount: 0, entryCount: REVOCATIONS },
    sealedKeys: [sealed],
  });
  const feedKeys = await importFeedKeys([fixture.feedPublicKey]);
  if (!feedKeys.ok) throw new Error(feedKeys.refusal.reason);
  const clock = () => unixMilliseconds(Date.now());
  const feed = createEdgeFeed({
    source: {
      readHead: async () => fixture.head,
      readObject: async () => encodeUtf8(fixture.keyset.text).buffer,
    },
    ...{ environmentId: ENVIRONMENT_ID, feedKeys: feedKeys.value, edgeIdentity, clock },
    ...{ hardSeconds: 3600, clockSkewSeconds: 60 },
  });
  const policy = {
    ...{ issuer: ISSUER, audience: ISSUER, tenantId: TENANT_ID },
    ...{ lifetimeSecondsMax: LIFETIME_SECONDS_MAX, clockSkewSeconds: 60 },
  };
  const headers = Array.from({ length: tokenCount }, (_, index) => {
    const token = makeToken(rootKey, { index, nowSeconds });
    return new Headers({ authorization: `Bearer ${token}` });
  });
  return { edge: { feed, cache: new VerifiedTokenCache(), policy, clock }, headers };
}

/** As the control plane derives it, and as a holder narrows it for a tool. */
function makeToken(
  rootKey: Uint8Array<ArrayBuffer>,
  { index, nowSeconds }: { index: number; nowSeconds: number },
): string {
  const tokenId = crypto.randomUUID();
  const grant = {
    ...{ jti: tokenId, sub: crypto.randomUUID(), iss: ISSUER, aud: ISSUER, nid: TENANT_ID },
    ...{ iat: nowSeconds, nbf: nowSeconds, exp: nowSeconds + 3600 },
    ...{ act: `customer-${index}`, act_sid: index.toString(16).padStart(16, '0') },
    ...{ scp: ['notes:read', 'notes:write', 'notes:admin'], vis: 'secret' },
    meta: { plan: 'pro', region: 'eu-central' },
  };
  const macaroon = mintMacaroon({
    ...{ rootKey, location: ISSUER },
    identifier: encodeIdentifier({ tokenId, kid: 'macaroon-key' }),
    firstPartyCaveats: [encodeBaseGrant(grant)],
  });
  const soon = new Date((nowSeconds + 1800) * 1000).toISOString().slice(0, 19);
  const caveats = ['method in GET HEAD', 'path in /v1/notes/*', 'scope in notes:read'];
  const text = writeMacaroonToken({ macaroon, discharges: [] });
  const narrowed = text.ok ? attenuateToken(text.value, [`time < ${soon}Z`, ...caveats]) : text;
  if (!narrowed.ok) throw new Error(narrowed.refusal.reason);
  return narrowed.value;
}

async function warm({ edge, headers }: Prepared, n: number): Promise<void> {
  for (let i = 0; i < n; i++) {
    const authorization = headers[i % headers.length]?.get('authorization') ?? null;
    const token = extractToken(authorization, '', true);
    if (!token.ok) throw new Error(token.refusal.reason);
    const pending = authorize(edge, {
      ...{ token: token.value, requiredScopes: REQUIRED_SCOPES, stale: CLOSED, called: CALLED },
      context: { now: unixMilliseconds(Date.now()), ...CONTEXT },
    });
    const decision = pending instanceof Promise ? await pending : pending;
    if (!decision.ok) throw new Error(decision.refusal.reason);
  }
}

export default {
  /** Answers microseconds a decision, a figure a round. */
  async fetch(request: Request): Promise<Response> {
    const { searchParams } = new URL(request.url);
    const state = await prepare(Number(searchParams.get('tokens')));
    await warm(state, 3 * TURN); // Warm-up, not counted.
    const figures: number[] = [];
    for (let round = 0; round < Number(searchParams.get('rounds')); round++) {
      const startedAt = performance.now();
      await warm(state, TURN);
      figures.push(((performance.now() - startedAt) * 1000) / TURN);
    }
    return Response.json(figures);
  },
};
