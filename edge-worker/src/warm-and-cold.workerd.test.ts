/**
 * Guarantee: a macaroon that an edge has seen before is decided as one that it has not, on any request,
 * at any time, under any revocations; and no caveat that a holder adds lets anything more pass.
 * Random and reproducible: a failure names its seed.
 */

import { env } from 'cloudflare:workers';
import { encodeUtf8 } from '@cardea/shared/bytes/utf8';
import { FOR_GOOD, mergeEntries } from '@cardea/shared/feed/entry';
import {
  EVERYTHING,
  scopeIdOfKey,
  scopeIdOfSigningKey,
  scopeIdOfUuid,
} from '@cardea/shared/feed/scope-id';
import { sealedKeyOf, testEdge } from '@cardea/shared/feed/testing/sealed-key-fixture';
import { append } from '@cardea/shared/macaroon/attenuate';
import type { Result } from '@cardea/shared/result';
import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AccessRequest, type AuthorizeOptions, authorize, type Grant } from './authorize.ts';
import { createKvFeedSource } from './feed/kv-feed-source.ts';
import { edgeFeedOf, requestAt } from './feed/testing/scripted-feed.ts';
import { KvPublisher } from './testing/published-edge.ts';
import { macaroonAt, tokenOf, valueIn } from './testing/test-macaroon.ts';
import { KEY_ID, TOKEN_ID } from './testing/test-token.ts';
import { type VerifiedToken, VerifiedTokenCache } from './verified-token-cache.ts';

const namespace = (env as unknown as { FEED: KVNamespace }).FEED;
const SEED = 20_261_127;
const CLOSED = { openForSeconds: 0 };
const RUNS = { numRuns: 500, seed: SEED };
const TEST_MILLISECONDS_MAX = 60_000;
const SEALED = [await sealedKeyOf()];
const KID_SCOPE_ID = await scopeIdOfSigningKey('mk-1');

const policy = {
  issuer: 'https://issuer.test',
  audience: 'https://api.test',
  tenantId: DEFAULT_TENANT_ID,
  lifetimeSecondsMax: 86_400,
  clockSkewSeconds: 60,
};

/** Some that hold for most requests, some for few, some for none. `+n` stands for n seconds from now. */
const CAVEATS = [
  ...['method in GET', 'method in GET POST', 'method in DELETE'],
  ...['path in /*', 'path in /v1/*', 'path in /v1/notes/{}', 'path in /v1/notes /v2/*'],
  ...['scope in notes:read', 'scope in notes:read notes:write', 'scope in notes:write'],
  ...['ip in 192.0.2.0/24', 'ip in 2001:db8::/32', 'ip in 0.0.0.0/0 ::/0'],
  ...['tool in search', 'tool in mail search', 'host in api.test', 'host in other.test'],
  ...['time < +30', 'time < +500', 'time >= +0', 'time >= +20'],
  ...[`key = ${KEY_ID}`, `token = ${TOKEN_ID}`, 'audience = https://api.test', 'actor = x'],
  ...['ext:region = eu', 'ext:region = us', 'max_uses = 1', 'nonsense'],
];

const calls = fc.record({
  method: fc.constantFrom('GET', 'POST', 'DELETE'),
  url: fc.constantFrom('https://api.test/x', 'https://other.test/x'),
  segments: fc.constantFrom(['v1', 'notes'], ['v1', 'notes', '7'], ['v2', 'x'], []),
  tool: fc.constantFrom(undefined, 'search', 'mail'),
  clientAddress: fc.constantFrom(undefined, '192.0.2.7', '2001:db8::1'),
});
const requests = fc.record({
  called: calls,
  requiredScopes: fc.constantFrom([], ['notes:read'], ['notes:read', 'notes:write'], ['admin']),
  /** Since the macaroon was made. */
  afterSeconds: fc.constantFrom(-70, 0, 5, 25, 40, 899, 900),
});
const caveatLists = fc.array(fc.constantFrom(...CAVEATS), { maxLength: 5 });

type RandomRequest = typeof requests extends fc.Arbitrary<infer T> ? T : never;

const scopeId = (uuid: string) => scopeIdOfUuid(uuid) ?? EVERYTHING;

/** The feed as it may be at any time: nothing revoked, or one of the token's scopes. */
const REVOCATIONS = [
  undefined,
  ...[scopeId(TOKEN_ID), scopeIdOfKey(KEY_ID) ?? EVERYTHING, KID_SCOPE_ID],
];

/** What authorize takes, but for the cache; and the text of a macaroon with these caveats. */
async function world(revoked: (typeof REVOCATIONS)[number]) {
  const publisher = new KvPublisher(namespace);
  const start = publisher.clock.nowSeconds;
  const tail =
    revoked === undefined ? [] : mergeEntries([{ scopeId: revoked, boundSeconds: FOR_GOOD }]);
  await publisher.publish({ sealed: SEALED, changes: { tail } });
  const { clock } = publisher;
  const reading = { source: createKvFeedSource(namespace), now: clock.now };
  const loaded = await edgeFeedOf(reading, { edgeIdentity: testEdge }).snapshot(
    requestAt(clock.now),
    CLOSED,
  );
  // From here on the snapshot stays: it is the token's time that is looked at, not the feed's.
  const feed = {
    snapshot: () => loaded,
    refreshForUnknownKey: async () => loaded,
    status: () => {
      throw new Error('nobody asks for the status here');
    },
  };
  const checkers = new Map([['region', (value: string) => value === 'eu']]);
  const options = { feed, policy, checkers, clock: () => clock.now };
  const tokenWith = (caveats: readonly string[]) => {
    const absolute = caveats.map((text) =>
      text.replace(/\+(\d+)$/, (_, seconds: string) => {
        const time = new Date((start + Number(seconds)) * 1000).toISOString();
        return `${time.slice(0, 19)}Z`;
      }),
    );
    const added = absolute.map((text) => ({ identifier: encodeUtf8(text) }));
    return tokenOf(valueIn(append(macaroonAt(start), added)));
  };
  const ask = async (cache: VerifiedTokenCache, token: string, random: RandomRequest) => {
    clock.nowSeconds = start + random.afterSeconds;
    const { called, requiredScopes } = random;
    const context = requestAt(clock.now);
    const access: AccessRequest = {
      ...{ token, called, requiredScopes, context },
      stale: CLOSED,
    };
    const asking: AuthorizeOptions = { ...options, cache };
    return authorize(asking, access);
  };
  return { ask, tokenWith };
}

/** What a decision says to client and origin. */
function verdictOf(decision: Result<Grant>) {
  return decision.ok ? decision.value.token.identity : decision.refusal.reason;
}

type World = Awaited<ReturnType<typeof world>>;

/** One token asked for two requests on one cache, and the second on a cache that has never seen it. */
async function agreement(
  { ask, tokenWith }: World,
  warmCache: VerifiedTokenCache,
  [caveats, before, after]: readonly [readonly string[], RandomRequest, RandomRequest],
) {
  const token = tokenWith(caveats);
  await ask(warmCache, token, before);
  const warm = await ask(warmCache, token, after);
  const cold = await ask(new VerifiedTokenCache(), token, after);
  return { warm: verdictOf(warm), cold: verdictOf(cold) };
}

describe.each(REVOCATIONS.map((revoked) => [revoked] as const))('revoked: %j', (revoked) => {
  test(
    'warm and cold agree',
    async () => {
      const it = await world(revoked);
      const cache = new VerifiedTokenCache();
      const outcomes = new Map<string, number>();
      await fc.assert(
        fc.asyncProperty(fc.tuple(caveatLists, requests, requests), async (given) => {
          const { warm, cold } = await agreement(it, cache, given);
          expect(warm).toEqual(cold);
          const outcome = typeof warm === 'string' ? warm : 'accepted';
          outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        }),
        RUNS,
      );
      // Both sides were really met: agreement on refusals alone would say little.
      const accepted = outcomes.get('accepted') ?? 0;
      if (revoked === undefined) expect(accepted).toBeGreaterThan(30);
      else expect(accepted).toBe(0);
      expect(outcomes.size).toBeGreaterThan(revoked === undefined ? 5 : 1);
    },
    TEST_MILLISECONDS_MAX,
  );
});

test(
  'a cache that answered for the caveats would be found',
  async () => {
    class ForgetfulCache extends VerifiedTokenCache {
      override get(text: string): VerifiedToken | undefined {
        const known = super.get(text);
        return known && { ...known, narrowing: undefined };
      }
    }
    const it = await world(undefined);
    const cache = new ForgetfulCache();
    const run = fc.check(
      fc.asyncProperty(fc.tuple(caveatLists, requests, requests), async (given) => {
        const { warm, cold } = await agreement(it, cache, given);
        expect(warm).toEqual(cold);
      }),
      RUNS,
    );
    expect((await run).failed).toBe(true);
  },
  TEST_MILLISECONDS_MAX,
);

test(
  'a caveat more never lets through what was refused before',
  async () => {
    const it = await world(undefined);
    const cache = new VerifiedTokenCache();
    let refusals = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(caveatLists, fc.constantFrom(...CAVEATS), requests),
        async ([caveats, more, request]) => {
          const narrower = await it.ask(cache, it.tokenWith([...caveats, more]), request);
          const wider = await it.ask(cache, it.tokenWith(caveats), request);
          if (!wider.ok) {
            refusals += 1;
            expect(narrower).toMatchObject({ ok: false });
          }
        },
      ),
      RUNS,
    );
    expect(refusals).toBeGreaterThan(100);
  },
  TEST_MILLISECONDS_MAX,
);
