/**
 * Guarantee: what may change while a token lives is asked on every request, of the snapshot of that
 * moment, for tokens seen before exactly as for new ones.
 */

import { FOR_GOOD, mergeEntries, type RevocationEntry } from '@cardea/shared/feed/entry';
import type { KeysetKey } from '@cardea/shared/feed/keyset';
import {
  EVERYTHING,
  parseScopeId,
  type ScopeId,
  scopeIdOfKey,
  scopeIdOfSigningKey,
  scopeIdOfUuid,
} from '@cardea/shared/feed/scope-id';
import { refuse } from '@cardea/shared/result';
import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import { unixSeconds } from '@cardea/shared/time';
import { describe, expect, test } from 'vitest';
import { type AccessRequest, authorize } from './authorize.ts';
import {
  edgeFeedOf,
  otherTokenKey,
  requestAt,
  ScriptedFeed,
  START_SECONDS,
  tokenKey,
} from './feed/testing/scripted-feed.ts';
import {
  ACTOR_SCOPE_ID,
  ANCESTOR_ID,
  KEY_ID,
  otherTokenSigner,
  TOKEN_ID,
  tokenAt,
} from './testing/test-token.ts';
import { VerifiedTokenCache } from './verified-token-cache.ts';

const signingKeyScopeId = await scopeIdOfSigningKey(tokenKey.kid);

const policy = {
  issuer: 'https://issuer.test',
  audience: 'https://api.test',
  tenantId: DEFAULT_TENANT_ID,
  lifetimeSecondsMax: 86_400,
  clockSkewSeconds: 60,
};

const CALLED = {
  ...{ method: 'GET', url: 'https://api.test/v1/notes', segments: ['v1', 'notes'] },
  ...{ tool: undefined, clientAddress: '203.0.113.7' },
};

/** An edge with a feed that has been published and loaded, at START_SECONDS. */
async function edge(keys: readonly KeysetKey[] = [tokenKey]) {
  const feed = new ScriptedFeed();
  await feed.publish({ keys });
  const cache = new VerifiedTokenCache();
  const options = { feed: edgeFeedOf(feed), cache, policy, clock: () => feed.now };
  const ask = async (token: string, changes: Partial<AccessRequest> = {}) => {
    const context = requestAt(feed.now);
    const answer = await authorize(options, {
      token,
      requiredScopes: [],
      stale: { openForSeconds: 0 },
      called: CALLED,
      context,
      ...changes,
    });
    await context.settle();
    return answer;
  };
  /** Publishes now and lets the edge load it. */
  const publish = async (content: Parameters<ScriptedFeed['publish']>[0]) => {
    feed.nowSeconds += 10;
    await feed.publish(content);
    await ask('eyJ.refreshes.only');
  };
  return { feed, cache, options, ask, publish };
}

const ACCEPTED = { ok: true };
const refused = (reason: string) => ({ ok: false, refusal: { reason } });

describe('a token seen before', () => {
  test('is answered without a promise', async () => {
    const { ask, options, feed } = await edge();
    const token = await tokenAt(START_SECONDS);
    expect(await ask(token)).toMatchObject(ACCEPTED);
    const answer = authorize(options, {
      token,
      requiredScopes: ['notes:read'],
      stale: { openForSeconds: 0 },
      called: { ...CALLED, clientAddress: undefined },
      context: requestAt(feed.now),
    });
    expect(answer).toMatchObject(ACCEPTED);
  });

  test('is refused from the second of its expiry on, without skew', async () => {
    const { ask, feed } = await edge();
    const token = await tokenAt(START_SECONDS, { exp: START_SECONDS + 30 });
    expect(await ask(token)).toMatchObject(ACCEPTED);
    feed.nowSeconds += 29;
    expect(await ask(token)).toMatchObject(ACCEPTED);
    feed.nowSeconds += 1;
    expect(await ask(token)).toEqual(refuse('token_expired'));
  });

  test('is refused again if the clock goes back before its beginning', async () => {
    const { ask, feed } = await edge();
    const token = await tokenAt(START_SECONDS + 60, { nbf: START_SECONDS + 60 });
    expect(await ask(token)).toMatchObject(ACCEPTED);
    feed.nowSeconds -= 1;
    expect(await ask(token)).toEqual(refuse('token_not_yet_valid'));
  });

  test.each<[string, KeysetKey[], string]>([
    ['has left the keyset', [otherTokenKey], 'signing_key_unknown'],
    [
      'is another one under the same kid',
      [{ ...otherTokenKey, kid: tokenKey.kid }],
      'signature_invalid',
    ],
    [
      'has another window',
      [{ ...tokenKey, notAfterSeconds: unixSeconds(START_SECONDS + 5) }],
      'signing_key_not_live',
    ],
    ['is another tenant’s', [{ ...tokenKey, tenantId: TOKEN_ID }], 'tenant_mismatch'],
    [
      'is for another audience',
      [{ ...tokenKey, audience: 'https://other.test' }],
      'audience_mismatch',
    ],
  ])('is refused once its signing key %s', async (_, keys, reason) => {
    const { ask, publish } = await edge();
    const token = await tokenAt(START_SECONDS);
    expect(await ask(token)).toMatchObject(ACCEPTED);
    await publish({ keys });
    expect(await ask(token)).toMatchObject(refused(reason));
  });

  test('is refused once its key’s time is over, under the same keyset', async () => {
    const key = { ...tokenKey, notAfterSeconds: unixSeconds(START_SECONDS + 30) };
    const { ask, feed } = await edge([key]);
    const token = await tokenAt(START_SECONDS);
    feed.nowSeconds += 29;
    expect(await ask(token)).toMatchObject(ACCEPTED);
    feed.nowSeconds += 1;
    expect(await ask(token)).toEqual(refuse('signing_key_not_live', { kid: tokenKey.kid }));
  });

  test('stays accepted when another keyset still has its key', async () => {
    const { ask, publish } = await edge();
    const token = await tokenAt(START_SECONDS);
    expect(await ask(token)).toMatchObject(ACCEPTED);
    await publish({ keys: [tokenKey, otherTokenKey] });
    expect(await ask(token)).toMatchObject(ACCEPTED);
  });
});

describe('revocation', () => {
  const scopes: ReadonlyArray<readonly [string, ScopeId | undefined]> = [
    ['the token', scopeIdOfUuid(TOKEN_ID)],
    ['an ancestor', scopeIdOfUuid(ANCESTOR_ID)],
    ['the key', scopeIdOfKey(KEY_ID)],
    ['the actor', parseScopeId(ACTOR_SCOPE_ID)],
    ['the tenant', scopeIdOfUuid(DEFAULT_TENANT_ID)],
    ['the signing key', signingKeyScopeId],
    ['everything', EVERYTHING],
  ];
  const entries = (scopeId: ScopeId | undefined, boundSeconds: number): RevocationEntry[] =>
    scopeId === undefined ? [] : mergeEntries([{ scopeId, boundSeconds }]);

  test.each(scopes)('of %s takes effect on a token seen before', async (_, scopeId) => {
    const { ask, publish } = await edge();
    const token = await tokenAt(START_SECONDS, { anc: [ANCESTOR_ID] });
    expect(await ask(token)).toMatchObject(ACCEPTED);
    await publish({ changes: { tail: entries(scopeId, START_SECONDS - 1) } });
    expect(await ask(token)).toMatchObject(ACCEPTED);
    await publish({ changes: { tail: entries(scopeId, START_SECONDS) } });
    expect(await ask(token)).toMatchObject(refused('token_revoked'));
  });

  test.each(scopes)('of %s, for good, in a segment, is seen on first sight', async (_, scopeId) => {
    const { ask, publish } = await edge();
    await publish({ segments: [entries(scopeId, FOR_GOOD)] });
    const token = await tokenAt(START_SECONDS, { anc: [ANCESTOR_ID] });
    expect(await ask(token)).toMatchObject(refused('token_revoked'));
    expect(await ask(token)).toMatchObject(refused('token_revoked'));
  });

  test('of another token changes nothing', async () => {
    const { ask, publish } = await edge();
    await publish({ changes: { tail: entries(scopeIdOfUuid(ANCESTOR_ID), FOR_GOOD) } });
    expect(await ask(await tokenAt(START_SECONDS))).toMatchObject(ACCEPTED);
  });

  test('a token that cannot be revoked by one of its scopes is refused', async () => {
    const { ask } = await edge();
    const token = await tokenAt(START_SECONDS, { act_sid: undefined });
    expect(await ask(token)).toEqual(refuse('claims_malformed', { claim: 'act_sid' }));
  });
});

describe('scopes and addresses', () => {
  test.each([
    [[], true],
    [['notes:read'], true],
    [['notes:read', 'notes:write'], true],
    [['notes:admin'], false],
    [['notes:read', 'notes:admin'], false],
    [['notes'], false],
    [['NOTES:READ'], false],
    [['notes:read notes:write'], false],
    [[''], false],
  ])('a route that needs %j: %s', async (requiredScopes, expected) => {
    const { ask } = await edge();
    const token = await tokenAt(START_SECONDS);
    for (const sight of ['first', 'second']) {
      const answer = await ask(token, { requiredScopes });
      expect([sight, answer.ok]).toEqual([sight, expected]);
      if (!expected) expect(answer).toMatchObject(refused('scope_insufficient'));
    }
  });

  test('a token without scopes passes only where none is needed', async () => {
    const { ask } = await edge();
    const token = await tokenAt(START_SECONDS, { scp: undefined });
    expect(await ask(token)).toMatchObject(ACCEPTED);
    const refusal = await ask(token, { requiredScopes: ['notes:read'] });
    expect(refusal).toMatchObject(refused('scope_insufficient'));
  });

  test.each([
    ['203.0.113.7', true],
    ['2001:db8::1', true],
    ['::ffff:203.0.113.7', true],
    ['198.51.100.1', false],
    ['2001:db9::1', false],
    ['203.0.113.7, 203.0.113.7', false],
    ['', false],
    [undefined, false],
  ])('a token sealed to ranges, used from %s: %s', async (clientAddress, expected) => {
    const { ask } = await edge();
    const token = await tokenAt(START_SECONDS, { acl: ['203.0.113.0/24', '2001:db8::/32'] });
    for (const _ of ['first sight', 'second sight']) {
      const answer = await ask(token, { called: { ...CALLED, clientAddress } });
      expect(answer).toMatchObject(expected ? ACCEPTED : refused('ip_not_allowed'));
    }
  });

  test('a token sealed to no range at all is good from nowhere', async () => {
    const { ask } = await edge();
    const token = await tokenAt(START_SECONDS, { acl: [] });
    expect(await ask(token)).toMatchObject({ ok: false });
  });
});

describe('the feed', () => {
  test('an unknown signing key is looked for once, and found if it has just been published', async () => {
    const { ask, feed } = await edge();
    expect(await ask(await tokenAt(START_SECONDS))).toMatchObject(ACCEPTED);
    await feed.publish({ keys: [tokenKey, otherTokenKey], changes: { seq: feed.now + 1 } });
    const token = await tokenAt(START_SECONDS, {}, { signer: otherTokenSigner });
    feed.reads.length = 0;
    expect(await ask(token)).toMatchObject(ACCEPTED);
    expect(feed.reads[0]).toBe('v1/head');
  });

  test('unknown keys cost no more than one refresh in ten seconds', async () => {
    const { ask, feed } = await edge();
    const token = await tokenAt(START_SECONDS, {}, { signer: otherTokenSigner });
    expect(await ask(token)).toMatchObject(refused('signing_key_unknown'));
    feed.reads.length = 0;
    for (let i = 0; i < 20; i++) {
      expect(await ask(token)).toMatchObject(refused('signing_key_unknown'));
    }
    expect(feed.reads).toEqual([]);
  });

  test('a token seen before does not outlive a stale feed', async () => {
    const { ask, feed } = await edge();
    const token = await tokenAt(START_SECONDS);
    expect(await ask(token)).toMatchObject(ACCEPTED);
    feed.nowSeconds += 119;
    expect(await ask(token)).toMatchObject(ACCEPTED);
    feed.nowSeconds += 1;
    expect(await ask(token)).toEqual(refuse('feed_stale'));
  });

  test('a route that stays open does so for its time and says so', async () => {
    const { ask, feed } = await edge();
    const token = await tokenAt(START_SECONDS);
    const stale = { openForSeconds: 300 };
    feed.nowSeconds += 119;
    const fresh = { ok: true, value: { trusted: { degraded: false } } };
    expect(await ask(token, { stale })).toMatchObject({ ...fresh });
    feed.nowSeconds += 300;
    const open = { ok: true, value: { trusted: { degraded: true, ageSeconds: 419 } } };
    expect(await ask(token, { stale })).toMatchObject(open);
    feed.nowSeconds += 1;
    expect(await ask(token, { stale })).toEqual(refuse('feed_stale'));
  });

  test('the time that a blocking refresh took counts: the token may have expired meanwhile', async () => {
    const { ask, feed } = await edge();
    const token = await tokenAt(START_SECONDS, { exp: START_SECONDS + 2 });
    feed.afterRead = () => {
      feed.nowSeconds += 1;
    };
    expect(await ask(token)).toMatchObject(refused('token_expired'));
  });
});

describe('what is never remembered', () => {
  test('a refused token', async () => {
    const { ask, cache } = await edge();
    const good = await tokenAt(START_SECONDS);
    const bad = [
      `${good}A`,
      `${good.slice(0, -2)}AA`,
      'garbage',
      await tokenAt(START_SECONDS, { iss: 'https://evil.test' }),
      await tokenAt(START_SECONDS, { nid: TOKEN_ID }),
      await tokenAt(START_SECONDS, {}, { signer: otherTokenSigner }),
      await tokenAt(START_SECONDS, {}, { header: { kid: tokenKey.kid, jku: 'https://evil.test' } }),
    ];
    for (const token of bad) expect(await ask(token)).toMatchObject({ ok: false });
    expect(cache.size).toBe(0);
    expect(await ask(good)).toMatchObject(ACCEPTED);
    expect(cache.size).toBe(1);
  });
});
