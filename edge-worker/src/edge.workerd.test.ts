/**
 * Guarantee: the pipeline, over the real feed in KV and a real origin, lets through exactly what
 * route, token and feed allow, tells the origin exactly what was verified, and refuses in the form of
 * RFC 9457 and RFC 6750.
 */

import { env } from 'cloudflare:workers';
import { mergeEntries } from '@cardea/shared/feed/entry';
import { scopeIdOfKey } from '@cardea/shared/feed/scope-id';
import { REFUSALS, type RefusalReason } from '@cardea/shared/refusals';
import { unixSeconds } from '@cardea/shared/time';
import { beforeEach, describe, expect, test } from 'vitest';
import { otherTokenKey, tokenKey } from './feed/testing/scripted-feed.ts';
import { type EdgeUnderTest, edgeUnderTest, KvPublisher } from './testing/published-edge.ts';
import { KEY_ID, otherTokenSigner, TOKEN_ID, tokenAt } from './testing/test-token.ts';

const namespace = (env as unknown as { FEED: KVNamespace }).FEED;

let publisher: KvPublisher;
let edge: EdgeUnderTest;
let now: number;

beforeEach(async () => {
  publisher = new KvPublisher(namespace);
  await publisher.publish();
  edge = edgeUnderTest(namespace, publisher);
  now = publisher.clock.nowSeconds;
});

interface Echo {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

const echoOf = async (response: Response): Promise<Echo> => {
  expect(response.status).toBe(200);
  return response.json();
};

async function expectRefusal(response: Response, reason: RefusalReason) {
  const { status, wireCode } = REFUSALS[reason];
  const problem = await response.json<{ code: string; request_id: string }>();
  expect([response.status, problem.code]).toEqual([status, reason]);
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  expect(response.headers.get('cache-control')).toBe('no-store');
  const challenge = response.headers.get('www-authenticate');
  if (wireCode !== null) expect(challenge).toContain(`error="${wireCode}"`);
  else if (status === 401) expect(challenge).toMatch(/^Bearer realm="https:\/\/api\.test"/);
  if (status === 503) expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
  const line = edge.log.at(-1);
  expect(line).toMatchObject({ event: 'refused', reason, request_id: problem.request_id });
}

describe('what passes', () => {
  test('a token with the scope of the route; the origin learns who calls, and not the token', async () => {
    const token = await tokenAt(now);
    const echo = await echoOf(await edge.send('/v1/notes/7?q=%2F..%2F&r=a+b', { token }));
    expect(echo).toMatchObject({
      method: 'GET',
      url: 'http://origin.test/base/v1/notes/7?q=%2F..%2F&r=a+b',
      body: null,
      headers: {
        'cardea-key-id': KEY_ID,
        'cardea-token-id': TOKEN_ID,
        'cardea-actor': 'alice@example.test',
        'cardea-scopes': 'notes:read notes:write',
        'cardea-expires-at': String(now + 900),
        'x-forwarded-proto': 'https',
        'x-forwarded-host': 'api.test',
        'x-request-id': 'request-0',
      },
    });
    expect(echo.headers).not.toHaveProperty('authorization');
    expect(JSON.stringify(echo)).not.toContain(token);
    expect(edge.log).toEqual([]);
  });

  test('a public route without a token; the origin is told nothing about the caller', async () => {
    const spoofed = { 'Cardea-Actor': 'root', Authorization: 'Bearer x' };
    const echo = await echoOf(await edge.send('/public/a', { headers: spoofed }));
    expect(Object.keys(echo.headers).filter((name) => /cardea|authorization/.test(name))).toEqual(
      [],
    );
  });

  test('a public route does not ask the feed, a fresh one least of all', async () => {
    publisher.clock.nowSeconds += 100_000;
    expect((await edge.send('/public/a')).status).toBe(200);
    await expectRefusal(await edge.send('/v1/notes', { token: 'garbage' }), 'feed_stale');
  });

  test('the path as it was sent, byte for byte', async () => {
    const token = await tokenAt(now);
    for (const path of [
      '/v1/notes/a%20b',
      '/v1/notes/%C3%A9',
      '/v1/notes/%c3%a9/',
      "/v1/notes/!$&'()*+,=:@~",
    ]) {
      const echo = await echoOf(await edge.send(path, { token }));
      expect(echo.url).toBe(`http://origin.test/base${path}`);
    }
  });

  test.each(['POST', 'PUT', 'PATCH', 'DELETE'])('the body of a %s', async (method) => {
    const token = await tokenAt(now);
    const echo = await echoOf(await edge.send('/v1/notes', { token, method, body: 'the body' }));
    expect(echo).toMatchObject({ method, body: 'the body' });
  });

  test('HEAD and OPTIONS as themselves', async () => {
    const token = await tokenAt(now);
    const head = await edge.send('/v1/notes', { token, method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    const options = await edge.send('/v1/notes', { token, method: 'OPTIONS' });
    expect(await echoOf(options)).toMatchObject({ method: 'OPTIONS' });
    await expectRefusal(await edge.send('/v1/notes', { method: 'OPTIONS' }), 'credential_missing');
  });

  test('the credential too, only if so configured', async () => {
    const forwarding = edgeUnderTest(namespace, publisher, { forwardCredential: true });
    const token = await tokenAt(now);
    const echo = await echoOf(await forwarding.send('/v1/notes', { token }));
    expect(echo.headers.authorization).toBe(`Bearer ${token}`);
  });
});

describe('what is refused', () => {
  test.each<[string, RefusalReason, RequestInit]>([
    ['no credential', 'credential_missing', {}],
    ['another scheme', 'credential_scheme_unknown', { headers: { authorization: 'Basic eDp5' } }],
    [
      'two credentials',
      'credential_ambiguous',
      {
        headers: [
          ['authorization', 'Bearer a'],
          ['authorization', 'Bearer b'],
        ],
      },
    ],
    [
      'an API key',
      'api_key_not_accepted',
      { headers: { authorization: `Bearer ck_v1_${'2'.repeat(64)}_${'3'.repeat(11)}` } },
    ],
    ['a macaroon', 'token_type_unsupported', { headers: { authorization: 'Bearer mc_v1_AgEU' } }],
    ['garbage', 'token_malformed', { headers: { authorization: 'Bearer garbage' } }],
    ['too much', 'token_too_large', { headers: { authorization: `Bearer ${'x'.repeat(8193)}` } }],
  ])('%s: %s', async (_, reason, init) => {
    await expectRefusal(await edge.send('/v1/notes', init), reason);
  });

  test.each<[RefusalReason, Record<string, unknown>, Parameters<typeof tokenAt>[2]]>([
    ['token_expired', { iat: -1000, nbf: -1000, exp: -100 }, {}],
    ['token_not_yet_valid', { iat: 100, nbf: 100, exp: 200 }, {}],
    ['token_lifetime_too_long', { exp: 90_000 }, {}],
    ['issuer_mismatch', { iss: 'https://evil.test' }, {}],
    ['audience_mismatch', { aud: 'https://other.test' }, {}],
    ['tenant_mismatch', { nid: TOKEN_ID }, {}],
    ['claims_malformed', { scp: 'notes:read' }, {}],
    ['scope_insufficient', { scp: ['notes:write'] }, {}],
    ['ip_not_allowed', { acl: ['203.0.113.0/24'] }, {}],
    ['signing_key_unknown', {}, { signer: otherTokenSigner }],
    ['signature_invalid', {}, { signer: { ...otherTokenSigner, kid: tokenKey.kid } }],
    ['token_header_unsupported', {}, { header: { jku: 'https://evil.test/jwks' } }],
    ['token_type_unsupported', {}, { header: { typ: 'cardea-feed+jws' } }],
  ])('a token with %s', async (reason, relative, options) => {
    const claims = Object.entries(relative).map(([name, value]) => [
      name,
      typeof value === 'number' ? now + value : value,
    ]);
    const token = await tokenAt(now, Object.fromEntries(claims), options);
    await expectRefusal(await edge.send('/v1/notes', { token }), reason);
    // Nothing of the token is in the log.
    expect(JSON.stringify(edge.log)).not.toContain(token.split('.')[1]);
  });

  test('a scope short, with the scopes that the route needs', async () => {
    const response = await edge.send('/v1/admin/x', { token: await tokenAt(now) });
    expect(response.headers.get('www-authenticate')).toMatch(/, scope="notes:read notes:admin"$/);
    await expectRefusal(response, 'scope_insufficient');
    expect(edge.log.at(-1)).toMatchObject({ route: '/v1/admin/*', status: 403 });
  });

  test.each([
    ['GET', '/'],
    ['GET', '/v1'],
    ['GET', '/V1/notes'],
    ['POST', '/public/a'],
    ['GET', '/.cardea'],
    ['GET', '/.cardea/'],
    ['GET', '/.cardea/admin'],
    ['GET', '/.cardea/ready/x'],
    ['POST', '/.cardea/health'],
    ['GET', '/.well-known/x'],
  ])('%s %s: no route', async (method, path) => {
    const response = await edge.send(path, { method, token: await tokenAt(now) });
    await expectRefusal(response, 'route_unknown');
  });

  // Those that the parser of this test's requests would resolve are in request-target.test.ts.
  test.each([
    '/v1%2fnotes',
    '/v1%5cnotes',
    '/v1//notes',
    '/v1/notes;x=1',
    '/public/%00',
    '/%70ublic',
  ])('the ambiguous path %s, with a token for everything and without one', async (path) => {
    const token = await tokenAt(now, { scp: ['notes:read', 'notes:admin'] });
    const request = new Request(`https://api.test${path}`);
    expect(request.url).toBe(`https://api.test${path}`);
    await expectRefusal(await edge.sendRaw(request), 'path_ambiguous');
    await expectRefusal(await edge.send(path, { token }), 'path_ambiguous');
  });

  test('a token in the query, with or without one in the header', async () => {
    const token = await tokenAt(now);
    const path = `/v1/notes?access_token=${token}`;
    await expectRefusal(await edge.send(path), 'credential_ambiguous');
    await expectRefusal(await edge.send(path, { token }), 'credential_ambiguous');
    expect(JSON.stringify(edge.log)).not.toContain(token);
  });

  test('an origin that does not answer', async () => {
    const fetchOrigin = () => Promise.reject(new Error('connect ECONNREFUSED 10.0.0.7:80'));
    edge = edgeUnderTest(namespace, publisher, { fetchOrigin });
    const response = await edge.send('/v1/notes', { token: await tokenAt(now) });
    await expectRefusal(response, 'origin_unreachable');
    expect(JSON.stringify(edge.log)).not.toContain('10.0.0.7');
  });

  test('a fault of the edge itself, without the words of the error', async () => {
    const routes = new Proxy([], {
      get: () => {
        throw new RangeError('hunter2');
      },
    });
    edge = edgeUnderTest(namespace, publisher, { routes });
    const response = await edge.send('/v1/notes', { token: await tokenAt(now) });
    const text = await response.text();
    expect([response.status, JSON.parse(text).code]).toEqual([500, 'edge_failed']);
    expect(edge.log).toMatchObject([{ event: 'edge_failed', name: 'RangeError' }]);
    expect(JSON.stringify(edge.log)).toMatch(/"at /);
    expect(text + JSON.stringify(edge.log)).not.toContain('hunter2');
  });

  test('HEAD gets the head of the refusal only', async () => {
    const response = await edge.send('/v1/notes', { method: 'HEAD' });
    expect([response.status, await response.text()]).toEqual([401, '']);
    expect(response.headers.get('www-authenticate')).toContain('Bearer');
  });
});

describe('identity headers from a client (threat 7)', () => {
  const spoofs = [
    'cardea-actor',
    'cardea-scopes',
    'x-auth-request-user',
    'x-user-id',
    'x-talos-key',
  ];
  const spellings = [
    (name: string) => name,
    (name: string) => name.toUpperCase(),
    (name: string) => name.replaceAll('-', '_'),
    (name: string) => name.replace('-', '_'),
    (name: string) => name.replaceAll('-', '.'),
  ];

  test.each(['/v1/notes', '/public/a'])('are gone on %s, whatever their spelling', async (path) => {
    const token = path.startsWith('/v1') ? { token: await tokenAt(now) } : {};
    for (const spell of spellings) {
      const headers = new Headers(spoofs.map((name) => [spell(name), 'spoofed']));
      headers.append(spell(spoofs[0] ?? ''), 'twice');
      headers.set('x-api-version', 'kept');
      const echo = await echoOf(await edge.send(path, { headers, ...token }));
      expect(JSON.stringify(echo)).not.toMatch(/spoofed|twice/);
      expect(echo.headers['x-api-version']).toBe('kept');
    }
  });

  test('the address is the one that the platform saw', async () => {
    const headers = { 'cf-connecting-ip': '203.0.113.7', 'x-forwarded-for': '10.0.0.1' };
    const token = await tokenAt(now, { acl: ['203.0.113.0/24'] });
    const echo = await echoOf(await edge.send('/v1/notes', { headers, token }));
    expect(echo.headers['x-forwarded-for']).toBe('203.0.113.7');
    const spoofed = { 'cf-connecting-ip': '198.51.100.1', 'x-forwarded-for': '203.0.113.7' };
    const refused = await edge.send('/v1/notes', { headers: spoofed, token });
    await expectRefusal(refused, 'ip_not_allowed');
  });

  test.each(['a\r\nCardea-Scopes: admin', 'a\u0000b', '😀', '\u2028', 'a, b', 'x'.repeat(4000)])(
    'a claim %j is one value that decodes to itself (threat 10)',
    async (actor) => {
      const token = await tokenAt(now, { act: actor });
      const echo = await echoOf(await edge.send('/v1/notes', { token }));
      expect(decodeURIComponent(echo.headers['cardea-actor'] ?? '')).toBe(actor);
      expect(echo.headers['cardea-scopes']).toBe('notes:read notes:write');
    },
  );

  test('a claim of 64 kB makes a token that is too large', async () => {
    const token = await tokenAt(now, { act: 'x'.repeat(65_536) });
    await expectRefusal(await edge.send('/v1/notes', { token }), 'token_too_large');
  });
});

describe('while a token lives', () => {
  test('revoking its key takes effect on a token seen before', async () => {
    const token = await tokenAt(now);
    expect((await edge.send('/v1/notes', { token })).status).toBe(200);
    const scopeId = scopeIdOfKey(KEY_ID) ?? { high: 1, low: 1 };
    publisher.clock.nowSeconds += 10;
    await publisher.publish({ changes: { tail: mergeEntries([{ scopeId, boundSeconds: now }]) } });
    // This request still meets the former snapshot and refreshes it in the background.
    await edge.send('/v1/notes', { token });
    await expectRefusal(await edge.send('/v1/notes', { token }), 'token_revoked');
    const later = await tokenAt(now + 1);
    expect((await edge.send('/v1/notes', { token: later })).status).toBe(200);
  });

  test('taking its signing key out of the keyset does, too', async () => {
    const token = await tokenAt(now);
    expect((await edge.send('/v1/notes', { token })).status).toBe(200);
    publisher.clock.nowSeconds += 10;
    await publisher.publish({ keys: [otherTokenKey] });
    await edge.send('/v1/notes', { token });
    await expectRefusal(await edge.send('/v1/notes', { token }), 'signing_key_unknown');
  });

  test('a signing key whose time is over ends it', async () => {
    const key = { ...tokenKey, notAfterSeconds: unixSeconds(now + 20) };
    publisher.clock.nowSeconds += 1;
    await publisher.publish({ keys: [key] });
    edge = edgeUnderTest(namespace, publisher);
    const token = await tokenAt(now);
    expect((await edge.send('/v1/notes', { token })).status).toBe(200);
    publisher.clock.nowSeconds = now + 20;
    await expectRefusal(await edge.send('/v1/notes', { token }), 'signing_key_not_live');
  });

  test('its expiry ends it while it is remembered', async () => {
    const token = await tokenAt(now, { exp: now + 5 });
    expect((await edge.send('/v1/notes', { token })).status).toBe(200);
    publisher.clock.nowSeconds += 5;
    await expectRefusal(await edge.send('/v1/notes', { token }), 'token_expired');
  });
});

describe('a feed that is too old (threat 26)', () => {
  test('closes routes: 503 with Retry-After, and ready says so', async () => {
    const token = await tokenAt(now);
    expect((await edge.send('/v1/notes', { token })).status).toBe(200);
    expect((await edge.send('/.cardea/ready')).status).toBe(200);
    publisher.clock.nowSeconds += 120;
    const stale = await edge.send('/v1/notes', { token });
    expect(stale.headers.get('cardea-feed-age')).toBe('120');
    expect(await stale.clone().json()).toMatchObject({ feed_age_seconds: 120 });
    await expectRefusal(stale, 'feed_stale');
    expect(edge.log.at(-1)).toMatchObject({ reason: 'feed_stale', feed_age_seconds: 120 });
    expect((await edge.send('/.cardea/ready')).status).toBe(503);
    await publisher.publish();
    publisher.clock.nowSeconds += 1;
    expect((await edge.send('/v1/notes', { token })).status).toBe(200);
  });

  test('leaves a route open for as long as its policy says, and every time it is logged', async () => {
    const token = await tokenAt(now);
    publisher.clock.nowSeconds += 119;
    expect((await edge.send('/v1/open/x', { token })).status).toBe(200);
    expect(edge.log).toEqual([]);
    publisher.clock.nowSeconds += 1;
    for (let i = 1; i <= 3; i++) {
      expect((await edge.send('/v1/open/x', { token })).status).toBe(200);
      expect(edge.log).toHaveLength(i);
      expect(edge.log.at(-1)).toMatchObject({
        level: 'warn',
        event: 'open_while_stale',
        route: '/v1/open/*',
        evidence: { age_seconds: 120, open_for_seconds: 300 },
      });
    }
    await expectRefusal(await edge.send('/v1/notes', { token }), 'feed_stale');
    publisher.clock.nowSeconds = now + 420;
    await expectRefusal(await edge.send('/v1/open/x', { token }), 'feed_stale');
  });

  test('a head that no pinned key signed is no feed at all', async () => {
    await namespace.put('v1/head', 'e30.e30.e30');
    edge = edgeUnderTest(namespace, publisher);
    const response = await edge.send('/v1/notes', { token: await tokenAt(now) });
    expect(response.headers.has('cardea-feed-age')).toBe(false);
    expect(await response.clone().json()).toMatchObject({ feed_age_seconds: null });
    await expectRefusal(response, 'feed_invalid');
  });
});

describe('what the edge answers itself', () => {
  test('health, whatever the feed', async () => {
    publisher.clock.nowSeconds += 100_000;
    const response = await edge.send('/.cardea/health');
    expect([response.status, await response.json()]).toEqual([200, { status: 'ok' }]);
  });

  test('ready, with what the feed is and nothing secret', async () => {
    const response = await edge.send('/.cardea/ready');
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      status: 'ready',
      feed: {
        seq: now * 1000,
        issued_at: now,
        age_seconds: 0,
        hard_seconds: 120,
        bound_seconds: 180,
        fresh: true,
        lane: 'a',
        lanes: { a: { hard_seconds: 120, bound_seconds: 180, fresh: true, last_error: null } },
        loading: false,
        revocations: { entries: 0, bytes: 0 },
        macaroon_keys: { opened: 0, unopened: 0 },
        last_error: null,
      },
    });
    const head = await edge.send('/.cardea/ready', { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
  });

  test('not ready without a feed', async () => {
    await namespace.delete('v1/head');
    edge = edgeUnderTest(namespace, publisher);
    const response = await edge.send('/.cardea/ready');
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ status: 'not_ready', feed: { seq: null } });
  });
});

describe('answers of the origin', () => {
  const ask = async (answer: string, init: RequestInit = {}, path = '/v1/notes') =>
    edge.send(path, {
      ...init,
      redirect: 'manual',
      headers: { 'x-test-answer': answer },
      ...(path.startsWith('/public') ? {} : { token: await tokenAt(now) }),
    });

  test('for one caller are not stored by caches unless the origin says so (threat 12)', async () => {
    expect((await ask('echo')).headers.get('cache-control')).toBe('private, no-store');
    expect((await ask('cacheable')).headers.get('cache-control')).toBe('public, max-age=60');
    expect((await ask('echo', {}, '/public/x')).headers.get('cache-control')).toBeNull();
  });

  test('for one caller do not come from Cloudflare’s cache, which knows no callers', async () => {
    const cacheControlOf = async (path: string) =>
      (await echoOf(await ask('echo', {}, path))).headers['cache-control'];
    // What Fetch sends for `cache: 'no-store'`.
    expect(await cacheControlOf('/v1/notes')).toBe('no-cache');
    expect(await cacheControlOf('/public/x')).toBeUndefined();
  });

  test('redirects are not followed (threat 11)', async () => {
    const response = await ask('redirect');
    expect([response.status, response.headers.get('location')]).toEqual([
      302,
      'http://169.254.169.254/latest/meta-data',
    ]);
  });

  test('cannot carry the edge’s own headers back', async () => {
    expect([...(await ask('leak')).headers.keys()]).not.toContain('cardea-actor');
    // Where the edge told it nothing, there is nothing to take out.
    expect((await ask('leak', {}, '/public/x')).headers.get('cardea-actor')).toBe('none');
  });

  test('keep status, cookies and their own challenge', async () => {
    expect((await ask('cookies')).headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect((await ask('empty')).status).toBe(204);
    const failing = await ask('failing');
    expect([failing.status, await failing.text()]).toEqual([500, 'origin says 500']);
    const challenge = await ask('challenge');
    expect(challenge.headers.get('www-authenticate')).toBe('Basic realm="origin"');
  });

  test('compressed ones arrive as they were', async () => {
    const response = await ask('gzip');
    expect(response.headers.get('content-encoding')).toBe('gzip');
    expect(await response.text()).toBe('zipped '.repeat(100));
  });

  test('bodies stream both ways: an answer begins before the request has ended', async () => {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    const pending = ask('stream', { method: 'POST', body: readable });
    const first = writer.write(new TextEncoder().encode('first'));
    const reader = (await pending).body?.getReader();
    const chunk = await reader?.read();
    expect(new TextDecoder().decode(chunk?.value)).toBe('first');
    await first;
    await Promise.all([writer.close(), reader?.read()]);
  });

  test('a WebSocket passes through', async () => {
    const response = await edge.send('/v1/notes', {
      token: await tokenAt(now),
      headers: { upgrade: 'websocket', 'x-test-answer': 'websocket' },
    });
    expect(response.status).toBe(101);
    const socket = response.webSocket;
    const message = new Promise((resolve) =>
      socket?.addEventListener('message', ({ data }) => resolve(data)),
    );
    socket?.accept();
    socket?.send('hello');
    expect(await message).toBe('echo hello');
    socket?.close();
  });

  test('a WebSocket needs its token like any other request', async () => {
    const headers = { upgrade: 'websocket', 'x-test-answer': 'websocket' };
    await expectRefusal(await edge.send('/v1/notes', { headers }), 'credential_missing');
  });
});
