/** Guarantee: a request passes only if it satisfies every caveat; what is unknown prohibits. */

import { describe, expect, test } from 'vitest';
import { encodeUtf8 } from '../bytes/utf8.ts';
import { refuse } from '../result.ts';
import { unixSeconds } from '../time.ts';
import { clearCaveats, type RequestFacts } from './clear.ts';
import { parseCaveat } from './parse-caveat.ts';

const NOW = unixSeconds(1_790_000_000); // 2026-09-21T14:13:20Z
const TOKEN_ID = '3f8e5d0a-8c51-4b7e-9d12-6a0f4c2b7e91';

const FACTS: RequestFacts = {
  nowSeconds: NOW,
  method: 'GET',
  host: 'api.example',
  path: ['orders', '17'],
  clientAddress: '192.0.2.7',
  tool: 'search',
  audience: 'https://api.example',
  tenantId: 'tenant-1',
  keyId: 'key-1',
  tokenId: TOKEN_ID,
  actor: 'user-17',
  grantedScopes: ['orders:read', 'orders:write', 'admin'],
  requiredScopes: ['orders:read'],
  extensions: new Map([['plan', (value: string) => value === 'pro']]),
};

function clear(texts: readonly string[], changes: Partial<RequestFacts> = {}) {
  return clearCaveats(
    texts.map((text) => parseCaveat(encodeUtf8(text))),
    { ...FACTS, ...changes },
  );
}

const notCleared = (caveat: string) => refuse('caveat_not_cleared', { caveat });

/** Clears, does not clear, with which refusal, and the facts without which it cannot. */
const TABLE = [
  ['time < 2026-09-21T14:13:21Z', 'time < 2026-09-21T14:13:20Z', refuse('token_expired'), {}],
  [
    'time >= 2026-09-21T14:13:20Z',
    'time >= 2026-09-21T14:13:21Z',
    refuse('token_not_yet_valid'),
    {},
  ],
  [
    'scope in orders:read',
    'scope in orders:write',
    refuse('scope_insufficient', { scope: 'orders:read' }),
    { grantedScopes: [] },
  ],
  ['method in GET PUT', 'method in POST', notCleared('methods'), { method: undefined }],
  ['path in /orders/*', 'path in /orders', notCleared('paths'), { path: undefined }],
  ['path in /orders/17', 'path in /orders/1', notCleared('paths'), { path: ['orders', '17', 'x'] }],
  ['path in /a /orders/{}', 'path in /order/*', notCleared('paths'), { path: ['orders'] }],
  ['host in api.example', 'host in api.example:8443', notCleared('hosts'), { host: undefined }],
  [
    'ip in 192.0.2.0/24',
    'ip in 192.0.2.8/31',
    refuse('ip_not_allowed'),
    { clientAddress: undefined },
  ],
  ['tool in search', 'tool in searches', notCleared('tools'), { tool: undefined }],
  [
    'audience = https://api.example',
    'audience = https://api.example/',
    refuse('audience_mismatch'),
    { audience: undefined },
  ],
  ['tenant = tenant-1', 'tenant = tenant-2', refuse('tenant_mismatch'), { tenantId: '' }],
  ['actor = user-17', 'actor = user-1', notCleared('actor'), { actor: undefined }],
  ['key = key-1', 'key = key-2', notCleared('key'), { keyId: '' }],
  [
    `token = ${TOKEN_ID}`,
    'token = 0c9f2f8e-6f0e-4d5b-8a61-0f6a3a1b7f11',
    notCleared('token'),
    { tokenId: '' },
  ],
  ['ext:plan = pro', 'ext:plan = free', notCleared('extension'), { extensions: undefined }],
] as const;

describe.each(TABLE)('%s', (...[holds, fails, refused, missing]) => {
  test('clears the request that it allows, next to others', () => {
    expect(clear([holds])).toMatchObject({ ok: true });
    expect(clear([holds, 'method in GET', holds])).toMatchObject({ ok: true });
  });

  test(`${fails} refuses it, wherever it stands`, () => {
    expect(clear([fails])).toEqual(refused);
    expect(clear([holds, fails])).toEqual(refused);
    expect(clear([fails, holds])).toEqual(refused);
  });

  test('does not clear what is not known', () => {
    for (const [name, value] of Object.entries(missing)) {
      expect(clear([holds], { [name]: value })).toEqual(refused);
    }
  });
});

test.each(['cnf = jkt', 'max_uses = 1000000', 'budget = 10.00 EUR'])('%s prohibits', (text) => {
  const extensions = new Map([['cnf', () => true]]);
  expect(clear([text], { extensions })).toEqual(notCleared('reserved'));
});

test.each(['', 'anything', 'method in get', 'account = 3735928559', '{"scp":["admin"]}'])(
  'unknown: %j prohibits',
  (text) => {
    expect(clear([text])).toEqual(refuse('caveat_unknown'));
    expect(clear(['method in GET', text])).toEqual(refuse('caveat_unknown'));
  },
);

test('an extension without a checker, and one whose checker does not say true, prohibit', () => {
  expect(clear(['ext:other = pro'])).toEqual(notCleared('extension'));
  const extensions = new Map([['plan', () => 1 as unknown as boolean]]);
  expect(clear(['ext:plan = pro'], { extensions })).toEqual(notCleared('extension'));
});

describe('scopes', () => {
  test('without caveats: all that are granted', () => {
    expect(clear([])).toEqual({ ok: true, value: { scopes: FACTS.grantedScopes } });
  });

  test('of two caveats the intersection, in the order of the grant; never more than granted', () => {
    const texts = ['scope in admin orders:read x:y', 'scope in orders:read orders:write x:y'];
    expect(clear(texts)).toEqual({ ok: true, value: { scopes: ['orders:read'] } });
    expect(clear(texts, { requiredScopes: ['x:y'] })).toEqual(
      refuse('scope_insufficient', { scope: 'x:y' }),
    );
  });

  test('a route that needs none is not concerned', () => {
    expect(clear(['scope in x:y'], { requiredScopes: [] })).toEqual({
      ok: true,
      value: { scopes: [] },
    });
  });
});

test('a clock that is no number refuses', () => {
  const nowSeconds = Number.NaN as typeof NOW;
  expect(clear(['time < 2027-01-01T00:00:00Z'], { nowSeconds })).toEqual(refuse('token_expired'));
  expect(clear(['time >= 2020-01-01T00:00:00Z'], { nowSeconds })).toEqual(
    refuse('token_not_yet_valid'),
  );
});
