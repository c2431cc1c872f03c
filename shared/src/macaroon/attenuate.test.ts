/** Guarantee: a holder narrows, binds and inspects a token without a key, and is told early what is wrong. */

import { describe, expect, test } from 'vitest';
import { encodeUtf8 } from '../bytes/utf8.ts';
import { refuse } from '../result.ts';
import { unixSeconds } from '../time.ts';
import {
  addCaveats,
  addThirdPartyCaveat,
  append,
  attenuateToken,
  bindDischarge,
} from './attenuate.ts';
import { encodeBaseGrant } from './grant.ts';
import { encodeIdentifier } from './identifier.ts';
import { inspectToken } from './inspect.ts';
import type { Macaroon } from './macaroon.ts';
import { mintMacaroon } from './mint.ts';
import { readMacaroonToken, writeMacaroonToken } from './token-text.ts';

const NOW = 1_790_000_000; // 2026-09-21T14:13:20Z
const TOKEN_ID = '3f8e5d0a-8c51-4b7e-9d12-6a0f4c2b7e91';
const rootKey = new Uint8Array(32).fill(7);
const CLAIMS = {
  ...{ jti: TOKEN_ID, sub: 'key-1', iss: 'https://issuer.example', aud: 'https://api.example' },
  ...{ nid: 'tenant-1', iat: NOW, exp: NOW + 3600, scp: ['a:read', 'a:write'] },
};
const MACAROON = mintMacaroon({
  ...{ rootKey, location: CLAIMS.iss },
  identifier: encodeIdentifier({ tokenId: TOKEN_ID, kid: 'mk-1' }),
  firstPartyCaveats: [encodeBaseGrant(CLAIMS)],
});

function textOf(macaroon: Macaroon, ...discharges: Macaroon[]): string {
  const text = writeMacaroonToken({ macaroon, discharges });
  if (!text.ok) throw new Error(text.refusal.reason);
  return text.value;
}
const TOKEN = textOf(MACAROON);

function narrowed(...caveats: string[]): string {
  const text = attenuateToken(TOKEN, caveats);
  if (!text.ok) throw new Error(text.refusal.reason);
  return text.value;
}

function inspected(text: string) {
  const inspection = inspectToken(text);
  if (!inspection.ok) throw new Error(inspection.refusal.reason);
  return inspection.value;
}

const asksFor = (macaroon: Macaroon, location?: string) =>
  addThirdPartyCaveat(macaroon, {
    ...(location === undefined ? {} : { location }),
    ...{ identifier: encodeUtf8('p'), caveatKey: encodeUtf8('q'), nonce: new Uint8Array(24) },
  });

describe('adding caveats', () => {
  test('as texts or as data, one after the other or together: the same token', () => {
    const atSeconds = unixSeconds(NOW + 60);
    const asData = attenuateToken(TOKEN, [
      { kind: 'expires', atSeconds },
      { kind: 'methods', methods: ['PUT', 'GET', 'GET'] },
    ]);
    const texts = ['time < 2026-09-21T14:14:20Z', 'method in GET PUT'];
    expect(asData).toEqual({ ok: true, value: narrowed(...texts) });
    const first = attenuateToken(TOKEN, texts.slice(0, 1));
    expect(first.ok && attenuateToken(first.value, texts.slice(1))).toEqual(asData);
    expect(attenuateToken(TOKEN, [])).toEqual({ ok: true, value: TOKEN });
  });

  test.each([
    ['misspelt', 'Method in GET', 'caveat_unknown'],
    ['not sorted', 'method in PUT GET', 'caveat_unknown'],
    ['empty', '', 'caveat_unknown'],
    ['a second grant', JSON.stringify(CLAIMS), 'caveat_unknown'],
    ['a list without elements', { kind: 'methods', methods: [] }, 'caveat_unknown'],
    ['a time that is none', { kind: 'expires', atSeconds: Number.NaN }, 'caveat_unknown'],
    ['a time that has a fraction', { kind: 'expires', atSeconds: 1.5 }, 'caveat_unknown'],
    ['a scope of two words', { kind: 'scopes', scopes: ['a b'] }, 'caveat_unknown'],
    ['two scopes, one of them twice', { kind: 'scopes', scopes: ['b', 'a', 'b'] }, undefined],
    [
      'a path with a space',
      { kind: 'paths', patterns: [{ segments: ['a b', undefined], isSubtree: true }] },
      undefined,
    ],
    [
      'a path with a slash in a segment',
      { kind: 'paths', patterns: [{ segments: ['a/b'], isSubtree: true }] },
      'caveat_unknown',
    ],
    ['an actor of two lines', { kind: 'actor', value: 'a\nb' }, 'caveat_unknown'],
    [
      'text that hides in a value',
      { kind: 'extension', name: 'x = y', value: 'z' },
      'caveat_unknown',
    ],
  ] as const)('%s', (_, caveat, reason) => {
    const added = addCaveats(MACAROON, [caveat as never]);
    expect(added.ok ? undefined : added.refusal.reason).toBe(reason);
  });

  test.each([
    ['no token', 'x', 'macaroon_malformed'],
    ['a JWT', 'eyJhbGciOiJFZERTQSJ9.e30.AA', 'macaroon_malformed'],
    ['one too long', `mc_v1_${'A'.repeat(8192)}`, 'token_too_large'],
  ])('to %s is refused', (_, text, reason) => {
    expect(attenuateToken(text, [])).toMatchObject({ ok: false, refusal: { reason } });
  });

  test('until nobody would read it any more', () => {
    const many = (count: number) => Array.from({ length: count }, () => 'method in GET');
    expect(attenuateToken(TOKEN, many(63)).ok).toBe(true);
    expect(attenuateToken(TOKEN, many(64))).toEqual(
      refuse('macaroon_malformed', { part: 'caveats' }),
    );
    const long = Array.from({ length: 8 }, () => `actor = ${'x'.repeat(1000)}`);
    expect(attenuateToken(TOKEN, long)).toEqual(refuse('token_too_large'));
  });

  test('not to a token whose discharges would not be bound to it any more', () => {
    const asking = asksFor(MACAROON);
    if (!asking.ok) throw new Error(asking.refusal.reason);
    const discharge = mintMacaroon({
      rootKey: encodeUtf8('q'),
      identifier: 'p',
      firstPartyCaveats: [],
    });
    const text = textOf(asking.value, bindDischarge(asking.value, discharge));
    expect(readMacaroonToken(text)).toMatchObject({ value: { discharges: [{ caveats: [] }] } });
    expect(attenuateToken(text, ['method in GET'])).toEqual(refuse('discharge_unused'));
  });
});

describe('inspecting', () => {
  test('a token as it was derived', () => {
    expect(inspected(TOKEN)).toMatchObject({
      ...{ scopes: ['a:read', 'a:write'], methods: undefined, hosts: undefined, tools: undefined },
      ...{ notBeforeSeconds: NOW, expiresAtSeconds: NOW + 3600, caveats: [], prohibitions: [] },
      sentences: [
        'Good from 2026-09-21T14:13:20Z and before 2026-09-21T15:13:20Z.',
        'Scopes: a:read, a:write.',
      ],
    });
  });

  test('a narrowed one: what is left when all caveats are taken together', () => {
    const text = narrowed(
      ...[
        'time < 2026-09-21T15:00:00Z',
        'time < 2026-09-21T14:30:00Z',
        'time >= 2026-09-21T14:15:00Z',
      ],
      ...['scope in a:read b:read', 'method in GET HEAD', 'method in GET PUT', 'path in /a/* /b'],
      ...['host in a.example', 'tool in search', 'ip in 192.0.2.0/24', 'actor = ann', 'ext:x = y'],
    );
    expect(inspected(text)).toMatchObject({
      ...{ scopes: ['a:read'], methods: ['GET'], hosts: ['a.example'], tools: ['search'] },
      sentences: [
        'Good from 2026-09-21T14:15:00Z and before 2026-09-21T14:30:00Z.',
        'Scopes: a:read.',
        'Only with the methods GET.',
        'Only at the hosts a.example.',
        'Only for the tools search.',
        'Only for the paths /a/*, /b.',
        'Only from 192.0.2.0/24.',
        'Only if the actor is ann.',
        'Only where "ext:x = y" is checked, and holds.',
      ],
    });
  });

  test('one that is good for nothing says why', () => {
    const text = narrowed(
      ...['method in GET', 'method in PUT', 'host in a.example', 'host in b.example'],
      ...['tool in a', 'tool in b', 'max_uses = 3', 'scope in x', 'time < 2026-09-21T14:00:00Z'],
    );
    const read = readMacaroonToken(text);
    const unknown = read.ok ? append(read.value.macaroon, [{ identifier: encodeUtf8('?') }]) : read;
    if (!unknown.ok) throw new Error(unknown.refusal.reason);
    const { prohibitions, sentences } = inspected(textOf(unknown.value));
    expect(prohibitions).toEqual([
      '1 of its caveats are in no language that is known here',
      '"max_uses = 3" is reserved and not enforced yet',
      ...['it ends before it begins', 'its caveats leave no method'],
      ...['its caveats leave no host', 'its caveats leave no tool'],
    ]);
    expect(sentences).toContain('It has no scope left.');
    expect(sentences).toContain('It allows nothing: its caveats leave no method.');
  });

  test('which discharges are missing, nested ones too', () => {
    const asking = asksFor(MACAROON, 'https://auth.example');
    if (!asking.ok) throw new Error(asking.refusal.reason);
    const missing = inspected(textOf(asking.value));
    expect(missing.missingDischarges).toEqual([
      { location: 'https://auth.example', identifier: encodeUtf8('p') },
    ]);
    expect(missing.sentences).toContain(
      'Only with a discharge from https://auth.example, which is not there.',
    );
    const discharge = mintMacaroon({
      ...{ rootKey: encodeUtf8('q'), identifier: 'p', firstPartyCaveats: ['method in GET'] },
    });
    const there = inspected(textOf(asking.value, bindDischarge(asking.value, discharge)));
    expect(there).toMatchObject({ missingDischarges: [], methods: ['GET'] });
    const nested = asksFor(discharge);
    if (!nested.ok) throw new Error(nested.refusal.reason);
    const again = inspected(textOf(asking.value, bindDischarge(asking.value, nested.value)));
    expect(again.missingDischarges).toEqual([{ location: undefined, identifier: encodeUtf8('p') }]);
    expect(again.sentences).toContain('A third party has to discharge it, nobody says which.');
  });

  test.each([
    ['no token', 'x', 'macaroon_malformed'],
    [
      'no grant',
      textOf(mintMacaroon({ rootKey, identifier: 'i', firstPartyCaveats: [] })),
      'macaroon_malformed',
    ],
    [
      'a grant without claims',
      textOf(mintMacaroon({ rootKey, identifier: 'i', firstPartyCaveats: ['{}'] })),
      'claims_malformed',
    ],
  ])('of %s is refused', (_, text, reason) => {
    expect(inspectToken(text)).toMatchObject({ ok: false, refusal: { reason } });
  });
});
