/**
 * Guarantee: an edge takes a macaroon for what its chain proves, under a key that was sealed for this
 * edge and for nothing else, and lets a request pass only if it satisfies every caveat of the macaroon
 * and of its discharges, each time. Keys come through the real feed in KV.
 */

import { env } from 'cloudflare:workers';
import { encodeUtf8 } from '@cardea/shared/bytes/utf8';
import { FOR_GOOD, mergeEntries } from '@cardea/shared/feed/entry';
import {
  EVERYTHING,
  parseScopeId,
  scopeIdOfKey,
  scopeIdOfSigningKey,
  scopeIdOfUuid,
} from '@cardea/shared/feed/scope-id';
import type { EdgeIdentity, SealedMacaroonKey } from '@cardea/shared/feed/sealed-key';
import {
  edgeWithOtherSecret,
  macaroonKeyOf,
  otherEdge,
  sealedKeyOf,
  type TestMacaroonKey,
  testEdge,
} from '@cardea/shared/feed/testing/sealed-key-fixture';
import { addThirdPartyCaveat, append, bindDischarge } from '@cardea/shared/macaroon/attenuate';
import type { Macaroon } from '@cardea/shared/macaroon/macaroon';
import { mintMacaroon } from '@cardea/shared/macaroon/mint';
import type { RefusalReason } from '@cardea/shared/refusals';
import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import { unixSeconds } from '@cardea/shared/time';
import { beforeEach, describe, expect, test } from 'vitest';
import { parseRoutes } from './routes.ts';
import {
  type EdgeChanges,
  type EdgeUnderTest,
  edgeUnderTest,
  KvPublisher,
} from './testing/published-edge.ts';
import {
  type MacaroonOptions,
  macaroonAt,
  macaroonKey,
  macaroonTokenAt,
  tokenOf,
  valueIn,
} from './testing/test-macaroon.ts';
import { ACTOR_SCOPE_ID, ANCESTOR_ID, KEY_ID, TOKEN_ID, tokenAt } from './testing/test-token.ts';

const namespace = (env as unknown as { FEED: KVNamespace }).FEED;
const OTHER_UUID = '2b7e1516-28ae-42a6-8bf7-158809cf4f3c';
const FOR_TEST_EDGE = await sealedKeyOf();
const LATER_END = { ...FOR_TEST_EDGE, notAfterSeconds: unixSeconds(4_000_000_001) };
const SEALED = [FOR_TEST_EDGE, await sealedKeyOf({ kid: 'mk-1' }, otherEdge)];
const KID_SCOPE_ID = await scopeIdOfSigningKey('mk-1');

const ROUTES = parseRoutes(
  [
    { path: '/v1/notes/*', scopes: ['notes:read'] },
    { path: '/v1/admin/*', scopes: ['notes:admin'] },
    { path: '/v1/any/*', scopes: [] },
    { path: '/tools/search', scopes: [], tool: 'search' },
    { path: '/tools/mail', scopes: [], tool: 'mail' },
  ],
  (problem) => {
    throw new Error(problem);
  },
);

let publisher: KvPublisher;
let edge: EdgeUnderTest;
let now: number;

const edgeWith = (changes: EdgeChanges = {}) =>
  edgeUnderTest(namespace, publisher, { identity: testEdge, routes: ROUTES, ...changes });

beforeEach(async () => {
  publisher = new KvPublisher(namespace);
  await publisher.publish({ sealed: SEALED });
  edge = edgeWith();
  now = publisher.clock.nowSeconds;
});

/** The code of a refusal, or 200. */
async function outcomeOf(response: Promise<Response>): Promise<string | number> {
  const answer = await response;
  if (answer.status === 200) return 200;
  const { code } = await answer.json<{ code: string }>();
  expect(edge.log.at(-1)).toMatchObject({ event: 'refused' });
  return code;
}

const send = (token: string, path = '/v1/notes', init: RequestInit = {}) =>
  outcomeOf(edge.send(path, { ...init, token }));

const narrowed = (...caveats: string[]) => macaroonTokenAt(now, {}, { caveats });

/** RFC 3339, as caveats write times. */
const at = (seconds: number) => `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`;

describe('what passes', () => {
  test('a macaroon with the scope of the route; the origin learns what it says, and not the token', async () => {
    const token = macaroonTokenAt(now);
    const response = await edge.send('/v1/notes/7', { token });
    expect(response.status).toBe(200);
    const echo = await response.json<{ headers: Record<string, string> }>();
    expect(echo.headers).toMatchObject({
      'cardea-key-id': KEY_ID,
      'cardea-token-id': TOKEN_ID,
      'cardea-tenant': DEFAULT_TENANT_ID,
      'cardea-actor': 'alice@example.test',
      'cardea-scopes': 'notes:read notes:write',
      'cardea-expires-at': String(now + 900),
    });
    expect(JSON.stringify(echo)).not.toContain(token.slice(6, 60));
    expect(edge.log).toEqual([]);
  });

  test('the origin is told the scopes and the end that the caveats leave', async () => {
    const token = narrowed(
      'scope in notes:read notes:write other',
      `time < ${at(now + 600)}`,
      'scope in notes:read',
      `time < ${at(now + 800)}`,
    );
    const echo = await (await edge.send('/v1/notes', { token })).json<{
      headers: Record<string, string>;
    }>();
    expect(echo.headers).toMatchObject({
      ...{ 'cardea-scopes': 'notes:read', 'cardea-expires-at': String(now + 600) },
    });
  });

  test('JWTs as ever, beside macaroons', async () => {
    expect(await send(await tokenAt(now))).toBe(200);
    expect(await send('eyJhbGciOiJub25lIn0.e30.')).toBe('token_algorithm_unsupported');
  });
});

describe('an edge without a secret', () => {
  test('refuses macaroons as a kind of token that it does not take', async () => {
    edge = edgeUnderTest(namespace, publisher, { routes: ROUTES });
    expect(await send(macaroonTokenAt(now))).toBe('token_type_unsupported');
    expect(await send(await tokenAt(now))).toBe(200);
  });
});

/** A caveat, a call that satisfies it and one that does not, and how that one is refused. */
interface CaveatCase {
  readonly caveat: (now: number) => string;
  readonly passes: readonly [path: string, init?: RequestInit];
  readonly fails: readonly [path: string, init?: RequestInit];
  readonly reason: RefusalReason;
}

const from = (address: string): RequestInit => ({ headers: { 'cf-connecting-ip': address } });

const CAVEATS: ReadonlyArray<readonly [string, CaveatCase]> = [
  [
    'method',
    {
      caveat: () => 'method in GET HEAD',
      passes: ['/v1/notes', { method: 'GET' }],
      fails: ['/v1/notes', { method: 'POST' }],
      reason: 'caveat_not_cleared',
    },
  ],
  [
    'path',
    {
      caveat: () => 'path in /v1/any/{} /v1/notes/7/*',
      passes: ['/v1/notes/7/tags'],
      fails: ['/v1/notes/8'],
      reason: 'caveat_not_cleared',
    },
  ],
  [
    'path as it is decoded',
    {
      caveat: () => 'path in /v1/notes/a%20b',
      passes: ['/v1/notes/a%20b/'],
      fails: ['/v1/notes/a+b'],
      reason: 'caveat_not_cleared',
    },
  ],
  [
    'scope',
    {
      caveat: () => 'scope in notes:read other',
      passes: ['/v1/notes'],
      fails: ['/v1/admin'],
      reason: 'scope_insufficient',
    },
  ],
  [
    'address',
    {
      caveat: () => 'ip in 192.0.2.0/24 2001:db8::/32',
      passes: ['/v1/notes', from('2001:db8::7')],
      fails: ['/v1/notes', from('198.51.100.1')],
      reason: 'ip_not_allowed',
    },
  ],
  [
    'address, of a client that the platform did not see',
    {
      caveat: () => 'ip in 0.0.0.0/0 ::/0',
      passes: ['/v1/notes', from('198.51.100.1')],
      fails: ['/v1/notes'],
      reason: 'ip_not_allowed',
    },
  ],
  [
    'tool',
    {
      caveat: () => 'tool in search summarize',
      passes: ['/tools/search'],
      fails: ['/tools/mail'],
      reason: 'caveat_not_cleared',
    },
  ],
  [
    'tool, on a route that is none',
    {
      caveat: () => 'tool in search',
      passes: ['/tools/search'],
      fails: ['/v1/notes'],
      reason: 'caveat_not_cleared',
    },
  ],
];

describe('a caveat is asked of the request', () => {
  test.each(CAVEATS)('%s', async (_, { caveat, passes, fails, reason }) => {
    const token = narrowed(caveat(now));
    // Cold, warm, and in the other order with another edge: the cache answers for nothing.
    expect(await send(token, ...passes)).toBe(200);
    expect(await send(token, ...fails)).toBe(reason);
    expect(await send(token, ...passes)).toBe(200);
    edge = edgeWith();
    expect(await send(token, ...fails)).toBe(reason);
    expect(await send(token, ...passes)).toBe(200);
    // Control: without the caveat only the route's own scopes stand in the way.
    const expected = reason === 'scope_insufficient' ? 'scope_insufficient' : 200;
    expect(await send(macaroonTokenAt(now), ...fails)).toBe(expected);
  });

  test('host: the name that the client called, without regard to case', async () => {
    const call = async (host: string, caveat: string) => {
      const authorization = `Bearer ${narrowed(caveat)}`;
      const request = new Request(`https://${host}/v1/notes`, { headers: { authorization } });
      return outcomeOf(edge.sendRaw(request));
    };
    expect(await call('api.test', 'host in api.test')).toBe(200);
    expect(await call('API.test', 'host in api.test')).toBe(200);
    expect(await call('api.test:443', 'host in api.test')).toBe(200);
    expect(await call('api.test:8443', 'host in api.test:8443')).toBe(200);
    expect(await call('api.test:8443', 'host in api.test')).toBe('caveat_not_cleared');
    expect(await call('api.test.evil.test', 'host in api.test')).toBe('caveat_not_cleared');
    expect(await call('other.test', 'host in api.test')).toBe('caveat_not_cleared');
  });

  test.each([
    ['audience = https://api.test', 200],
    ['audience = https://other.test', 'audience_mismatch'],
    [`tenant = ${DEFAULT_TENANT_ID}`, 200],
    [`tenant = ${OTHER_UUID}`, 'tenant_mismatch'],
    ['actor = alice@example.test', 200],
    ['actor = bob@example.test', 'caveat_not_cleared'],
    [`key = ${KEY_ID}`, 200],
    [`key = ${OTHER_UUID}`, 'caveat_not_cleared'],
    [`token = ${TOKEN_ID}`, 200],
    [`token = ${OTHER_UUID}`, 'caveat_not_cleared'],
    ['cnf = x', 'caveat_not_cleared'],
    ['max_uses = 1', 'caveat_not_cleared'],
    ['budget = 10', 'caveat_not_cleared'],
    ['ext:region = eu', 'caveat_not_cleared'],
    ['', 'caveat_unknown'],
    ['method IN GET', 'caveat_unknown'],
    ['method in  GET', 'caveat_unknown'],
    ['method in POST GET', 'caveat_unknown'],
    ['anything else', 'caveat_unknown'],
    ['{"scp":["notes:admin"]}', 'caveat_unknown'],
  ])('"%s": %s', async (caveat, expected) => {
    const token = narrowed(caveat);
    expect(await send(token)).toBe(expected);
    expect(await send(token)).toBe(expected);
  });

  test('actor: of a token that has none, none is the right one', async () => {
    const claims = { act: undefined, act_sid: undefined };
    // Without an actor's scope id a token cannot be revoked by its actor, and is not taken at all.
    const token = macaroonTokenAt(now, claims, { caveats: ['actor = alice@example.test'] });
    expect(await send(token)).toBe('claims_malformed');
  });

  test('time: to the second, and without skew', async () => {
    const token = narrowed(`time >= ${at(now + 10)}`, `time < ${at(now + 20)}`);
    const answers = [];
    for (const seconds of [9, 1, 9, 1]) {
      publisher.clock.nowSeconds += seconds;
      answers.push(await send(token));
    }
    expect(answers).toEqual(['token_not_yet_valid', 200, 200, 'token_expired']);
  });

  test('scope: the granted ones, and of those the ones in every list', async () => {
    const scoped = (...caveats: string[]) => send(narrowed(...caveats), '/v1/notes');
    expect(await scoped('scope in notes:read')).toBe(200);
    expect(await scoped('scope in notes:write')).toBe('scope_insufficient');
    expect(await scoped('scope in notes:read', 'scope in notes:write')).toBe('scope_insufficient');
    expect(await scoped('scope in notes:write', 'scope in notes:read')).toBe('scope_insufficient');
    // A list adds nothing that was not granted.
    const admin = narrowed('scope in notes:admin notes:read');
    expect(await send(admin, '/v1/admin')).toBe('scope_insufficient');
  });

  test('ext: only by a checker of this name, and only for its value', async () => {
    const checkers = new Map<string, (value: string) => boolean>([
      ['region', (value) => value === 'eu'],
      ['broken', () => 'yes' as unknown as boolean],
    ]);
    edge = edgeWith({ checkers });
    expect(await send(narrowed('ext:region = eu'))).toBe(200);
    expect(await send(narrowed('ext:region = us'))).toBe('caveat_not_cleared');
    expect(await send(narrowed('ext:other = eu'))).toBe('caveat_not_cleared');
    expect(await send(narrowed('ext:broken = x'))).toBe('caveat_not_cleared');
  });

  test('ext: a checker that fails lets nothing through', async () => {
    const fail = () => {
      throw new Error('a bug');
    };
    edge = edgeWith({ checkers: new Map([['region', fail]]) });
    const response = await edge.send('/v1/notes', { token: narrowed('ext:region = eu') });
    expect(response.status).toBe(500);
    expect(await response.json()).toMatchObject({ code: 'edge_failed' });
    expect(edge.log.at(-1)).toMatchObject({ event: 'edge_failed' });
  });

  test('each of many: one that fails is enough, wherever it stands', async () => {
    const fine = ['method in GET', 'path in /v1/*', 'scope in notes:read', 'host in api.test'];
    expect(await send(narrowed(...fine))).toBe(200);
    for (let i = 0; i <= fine.length; i++) {
      expect(await send(narrowed(...fine.toSpliced(i, 0, 'method in PUT')))).toBe(
        'caveat_not_cleared',
      );
    }
  });
});

describe('what is not genuine', () => {
  test.each<[string, () => string, RefusalReason]>([
    ['nothing behind the prefix', () => 'mc_v1_', 'macaroon_malformed'],
    ['garbage', () => 'mc_v1_garbage', 'macaroon_malformed'],
    ['padding', () => `${macaroonTokenAt(now)}=`, 'macaroon_malformed'],
    ['a dot at the end', () => `${macaroonTokenAt(now)}.`, 'macaroon_malformed'],
    ['a byte at the end', () => `${macaroonTokenAt(now)}AAAA`, 'macaroon_malformed'],
    ['a missing end', () => macaroonTokenAt(now).slice(0, -4), 'macaroon_malformed'],
    ['a text that is too long', () => `mc_v1_${'A'.repeat(8192)}`, 'token_too_large'],
    [
      'a macaroon twice',
      () => {
        const token = macaroonTokenAt(now);
        return `${token}.${token.slice(6)}`;
      },
      'discharge_unused',
    ],
    [
      'another root key',
      () => macaroonTokenAt(now, {}, { key: macaroonKeyOf({ rootKey: new Uint8Array(32) }) }),
      'signature_invalid',
    ],
    [
      'a key that nobody has',
      () => macaroonTokenAt(now, {}, { identifier: { kid: 'mk-9' } }),
      'signing_key_unknown',
    ],
    [
      'a key named like a member of every object',
      () => macaroonTokenAt(now, {}, { identifier: { kid: '__proto__' } }),
      'signing_key_unknown',
    ],
    [
      'an identifier of another token',
      () => macaroonTokenAt(now, {}, { identifier: { tokenId: OTHER_UUID } }),
      'claims_malformed',
    ],
    [
      'another location',
      () => macaroonTokenAt(now, {}, { location: 'https://evil.test' }),
      'issuer_mismatch',
    ],
    ['a foreign issuer', () => macaroonTokenAt(now, { iss: 'x' }), 'issuer_mismatch'],
    ['another audience', () => macaroonTokenAt(now, { aud: 'x' }), 'audience_mismatch'],
    ['another tenant', () => macaroonTokenAt(now, { nid: OTHER_UUID }), 'tenant_mismatch'],
    ['no expiry', () => macaroonTokenAt(now, { exp: undefined }), 'claims_malformed'],
    ['a past expiry', () => macaroonTokenAt(now, { iat: now - 9, exp: now }), 'token_expired'],
    ['a future start', () => macaroonTokenAt(now, { nbf: now + 61 }), 'token_not_yet_valid'],
    ['a long life', () => macaroonTokenAt(now, { exp: now + 86_401 }), 'token_lifetime_too_long'],
    ['an odd key id', () => macaroonTokenAt(now, { sub: 'x' }), 'claims_malformed'],
    ['a proof key', () => macaroonTokenAt(now, { cnf: {} }), 'claims_malformed'],
    [
      'no base grant',
      () => {
        const { identifier } = macaroonAt(now);
        const { rootKey, issuer: location } = macaroonKey;
        return tokenOf(mintMacaroon({ rootKey, location, identifier, firstPartyCaveats: [] }));
      },
      'macaroon_malformed',
    ],
  ])('%s is refused', async (_, makeToken, reason) => {
    expect(await send(makeToken())).toBe(reason);
    expect(await send(macaroonTokenAt(now))).toBe(200);
  });

  test('an address range of the base grant is asked as of a JWT', async () => {
    const token = macaroonTokenAt(now, { acl: ['192.0.2.0/24'] });
    expect(await send(token, '/v1/notes', from('192.0.2.9'))).toBe(200);
    expect(await send(token, '/v1/notes', from('198.51.100.9'))).toBe('ip_not_allowed');
    expect(await send(token)).toBe('ip_not_allowed');
  });
});

describe('tampering by a holder', () => {
  const CHAIN = ['method in GET', 'path in /v1/*', 'scope in notes:read'];
  const genuine = () => macaroonAt(now, {}, { caveats: CHAIN });

  test('any caveat taken out, the base grant among them', async () => {
    const macaroon = genuine();
    expect(await send(tokenOf(macaroon))).toBe(200);
    for (let i = 0; i < macaroon.caveats.length; i++) {
      const caveats = macaroon.caveats.toSpliced(i, 1);
      expect(await send(tokenOf({ ...macaroon, caveats }))).toBe('signature_invalid');
    }
    expect(await send(tokenOf({ ...macaroon, caveats: [] }))).toBe('signature_invalid');
  });

  test('any two caveats in the other order', async () => {
    const macaroon = genuine();
    for (let i = 1; i < macaroon.caveats.length; i++) {
      const caveats = [...macaroon.caveats];
      const [moved] = caveats.splice(i, 1);
      if (moved !== undefined) caveats.splice(i - 1, 0, moved);
      expect(await send(tokenOf({ ...macaroon, caveats }))).toBe('signature_invalid');
    }
  });

  test('a base grant put in front of the other one, or behind it', async () => {
    const macaroon = macaroonAt(now);
    const [grant] = macaroonAt(now, { scp: ['notes:admin'] }).caveats;
    const caveats = grant === undefined ? [] : [grant];
    const before = tokenOf({ ...macaroon, caveats: [...caveats, ...macaroon.caveats] });
    expect(await send(before)).toBe('signature_invalid');
    // Added as a holder may: one more caveat, which nobody knows.
    expect(await send(tokenOf(valueIn(append(macaroon, caveats))))).toBe('caveat_unknown');
  });

  test('a bit of any byte of the token', async () => {
    const token = tokenOf(genuine());
    const bytes = Uint8Array.from(atob(token.slice(6).replace(/-/g, '+').replace(/_/g, '/')), (c) =>
      c.charCodeAt(0),
    );
    const outcomes = new Set<string | number>();
    for (let at = 0; at < bytes.length; at++) {
      const changed = Uint8Array.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
      const text = btoa(String.fromCharCode(...changed));
      const base64url = text.replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
      outcomes.add(await send(`mc_v1_${base64url}`));
    }
    expect([...outcomes].sort()).toEqual([
      'issuer_mismatch',
      'macaroon_malformed',
      'signature_invalid',
      'signing_key_unknown',
    ]);
  }, 30_000);
});

describe('a key', () => {
  const OTHER_TENANT = OTHER_UUID;
  const keys: Readonly<Record<string, TestMacaroonKey>> = {
    audience: macaroonKeyOf({ kid: 'mk-a', audience: 'https://other.test' }),
    tenant: macaroonKeyOf({ kid: 'mk-t', tenantId: OTHER_TENANT }),
    issuer: macaroonKeyOf({ kid: 'mk-i', issuer: 'https://other.test' }),
  };

  async function publishFor(identity: EdgeIdentity, key: TestMacaroonKey): Promise<void> {
    await publisher.publish({ sealed: [await sealedKeyOf(key, identity)] });
  }

  test.each<[string, string, RefusalReason]>([
    ['audience', 'https://api.test', 'audience_mismatch'],
    ['tenant', DEFAULT_TENANT_ID, 'tenant_mismatch'],
    ['issuer', 'https://issuer.test', 'issuer_mismatch'],
  ])('of another %s makes no token for this one', async (name, own, reason) => {
    const key = keys[name];
    if (key === undefined) throw new Error('no such key');
    await publishFor(testEdge, key);
    edge = edgeWith();
    // Whatever the macaroon itself says: it is the key's binding that decides.
    const claim = { audience: 'aud', tenant: 'nid', issuer: 'iss' }[name] ?? '';
    expect(await send(macaroonTokenAt(now, { [claim]: own }, { key }))).toBe(reason);
    expect(await send(macaroonTokenAt(now, {}, { key }))).toBe(reason);
  });

  test('of another epoch is not live: not before its beginning, not from its end on', async () => {
    const key = macaroonKeyOf({
      notBeforeSeconds: unixSeconds(now + 10),
      notAfterSeconds: unixSeconds(now + 20),
    });
    await publishFor(testEdge, key);
    edge = edgeWith();
    const token = macaroonTokenAt(now, {}, { key });
    const answers = [];
    for (const seconds of [9, 1, 9, 1]) {
      publisher.clock.nowSeconds += seconds;
      answers.push(await send(token));
    }
    expect(answers).toEqual(['signing_key_not_live', 200, 200, 'signing_key_not_live']);
    edge = edgeWith();
    expect(await send(token)).toBe('signing_key_not_live');
  });

  test.each<[string, EdgeIdentity, readonly SealedMacaroonKey[]]>([
    ['another edge', otherEdge, [FOR_TEST_EDGE]],
    ['the same edge under another secret', edgeWithOtherSecret, [FOR_TEST_EDGE]],
    ['this edge in another environment', { ...testEdge, environmentId: 'x' }, [FOR_TEST_EDGE]],
    ['this edge, with a later end written on it', testEdge, [LATER_END]],
  ])('of %s is not opened, and JWTs go on', async (_, identity, sealed) => {
    await publisher.publish({ sealed });
    edge = edgeWith({ identity });
    expect(await send(macaroonTokenAt(now))).toBe('signing_key_unknown');
    expect(await send(await tokenAt(now))).toBe(200);
    const ready = await (await edge.send('/.cardea/ready')).json();
    const unopened = identity.edgeId === 'edge-1' ? 1 : 0;
    expect(ready).toMatchObject({ feed: { macaroon_keys: { opened: 0, unopened } } });
  });

  test('that has left the keyset verifies nothing more, cached chains included', async () => {
    const token = macaroonTokenAt(now);
    expect(await send(token)).toBe(200);
    publisher.clock.nowSeconds += 11;
    await publisher.publish({ sealed: [] });
    await send(await tokenAt(now)); // Lets the edge refresh.
    expect(await send(token)).toBe('signing_key_unknown');
  });

  test('that arrives while a macaroon waits for it is fetched once', async () => {
    const key = macaroonKeyOf({ kid: 'mk-2', rootKey: new Uint8Array(32).fill(2) });
    const token = macaroonTokenAt(now, {}, { key });
    expect(await send(token)).toBe('signing_key_unknown');
    publisher.clock.nowSeconds += 11;
    await publisher.publish({ sealed: [...SEALED, await sealedKeyOf(key)] });
    expect(await send(token)).toBe(200);
  });

  test('is another one under the same kid: what was made with the former is refused', async () => {
    const token = macaroonTokenAt(now);
    expect(await send(token)).toBe(200);
    publisher.clock.nowSeconds += 11;
    await publishFor(testEdge, macaroonKeyOf({ rootKey: new Uint8Array(32).fill(9) }));
    await send(await tokenAt(now));
    expect(await send(token)).toBe('signature_invalid');
  });
});

describe('revocation', () => {
  const scopeId = (uuid: string) => scopeIdOfUuid(uuid) ?? EVERYTHING;
  test.each([
    ['token', scopeId(TOKEN_ID)],
    ['an ancestor', scopeId(ANCESTOR_ID)],
    ['API key', scopeIdOfKey(KEY_ID) ?? EVERYTHING],
    ['actor', parseScopeId(ACTOR_SCOPE_ID) ?? EVERYTHING],
    ['tenant', scopeId(DEFAULT_TENANT_ID)],
    ['macaroon key', KID_SCOPE_ID],
    ['everything', EVERYTHING],
  ])('by %s: for good, and by a cut-off what was issued up to it', async (_, id) => {
    const token = macaroonTokenAt(now, { anc: [ANCESTOR_ID] }, { caveats: ['method in GET'] });
    const later = macaroonTokenAt(now + 1, { anc: [ANCESTOR_ID] });
    const revoke = async (boundSeconds: number) => {
      publisher.clock.nowSeconds += 11;
      const tail = mergeEntries([{ scopeId: id, boundSeconds }]);
      await publisher.publish({ sealed: SEALED, changes: { tail } });
      await edge.send('/v1/notes', { token: 'mc_v1_refreshes' });
    };
    expect([await send(token), await send(later)]).toEqual([200, 200]);
    await revoke(now - 1);
    expect([await send(token), await send(later)]).toEqual([200, 200]);
    await revoke(now);
    expect([await send(token), await send(later)]).toEqual(['token_revoked', 200]);
    await revoke(FOR_GOOD);
    expect([await send(token), await send(later)]).toEqual(['token_revoked', 'token_revoked']);
    // Those that were narrowed from it offline, and an edge that has not seen any of them before.
    edge = edgeWith();
    const child = macaroonTokenAt(now, { anc: [ANCESTOR_ID] }, { caveats: ['tool in search'] });
    expect([await send(token), await send(child)]).toEqual(['token_revoked', 'token_revoked']);
  });
});

describe('discharges', () => {
  const caveatKey = new Uint8Array(32).fill(0x33);
  const nonce = new Uint8Array(24).fill(0x44);

  const withThirdParty = (options: MacaroonOptions = {}): Macaroon => {
    const third = { identifier: encodeUtf8('ask'), location: 'https://d.test', caveatKey, nonce };
    return valueIn(addThirdPartyCaveat(macaroonAt(now, {}, options), third));
  };
  const discharge = (...firstPartyCaveats: string[]): Macaroon =>
    mintMacaroon({ rootKey: caveatKey, identifier: 'ask', firstPartyCaveats });
  const bound = (macaroon: Macaroon, ...caveats: string[]) =>
    tokenOf(macaroon, bindDischarge(macaroon, discharge(...caveats)));

  test('one header carries the macaroon and its discharges, and each must be there', async () => {
    const macaroon = withThirdParty();
    expect(await send(bound(macaroon))).toBe(200);
    expect(await send(tokenOf(macaroon))).toBe('discharge_missing');
  });

  test.each<[string, (macaroon: Macaroon) => string, RefusalReason]>([
    ['not bound', (macaroon) => tokenOf(macaroon, discharge()), 'signature_invalid'],
    [
      'bound to another macaroon',
      (macaroon) => tokenOf(macaroon, bindDischarge(macaroonAt(now), discharge())),
      'signature_invalid',
    ],
    [
      'made with another key',
      (macaroon) => {
        const forged = { rootKey: new Uint8Array(32), identifier: 'ask', firstPartyCaveats: [] };
        return tokenOf(macaroon, bindDischarge(macaroon, mintMacaroon(forged)));
      },
      'signature_invalid',
    ],
    [
      'sent twice',
      (macaroon) => {
        const one = bindDischarge(macaroon, discharge());
        return tokenOf(macaroon, one, one);
      },
      'discharge_unused',
    ],
    [
      'bound before the macaroon was narrowed',
      (macaroon) => {
        const caveat = { identifier: encodeUtf8('method in GET') };
        const one = bindDischarge(macaroon, discharge());
        return tokenOf(valueIn(append(macaroon, [caveat])), one);
      },
      'signature_invalid',
    ],
  ])('a discharge that is %s is refused', async (_, makeToken, reason) => {
    expect(await send(makeToken(withThirdParty()))).toBe(reason);
  });

  test('a discharge that nobody asked for is refused', async () => {
    const macaroon = macaroonAt(now);
    expect(await send(bound(macaroon))).toBe('discharge_unused');
  });

  test('caveats of a discharge are cleared as all others, each time', async () => {
    const macaroon = withThirdParty();
    expect(await send(bound(macaroon, 'method in POST'))).toBe('caveat_not_cleared');
    expect(await send(bound(macaroon, `token = ${OTHER_UUID}`))).toBe('caveat_not_cleared');
    expect(await send(bound(macaroon, 'scope in notes:write'))).toBe('scope_insufficient');
    expect(await send(bound(macaroon, 'anything'))).toBe('caveat_unknown');
    const fresh = bound(macaroon, `token = ${TOKEN_ID}`, `time < ${at(now + 30)}`);
    expect(await send(fresh)).toBe(200);
    publisher.clock.nowSeconds += 29;
    expect(await send(fresh)).toBe(200);
    publisher.clock.nowSeconds += 1;
    expect(await send(fresh)).toBe('token_expired');
    // Another discharge of the same macaroon: a fresh one is all that it takes.
    expect(await send(bound(macaroon, `time < ${at(now + 60)}`))).toBe(200);
  });
});
