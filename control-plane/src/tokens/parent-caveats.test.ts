/** Guarantee: what a holder has added to a macaroon holds for every token that is derived from it. */

import { encodeUtf8 } from '@cardea/shared/bytes/utf8';
import type { VerifiedClaims } from '@cardea/shared/jwt/claims';
import type { Caveat } from '@cardea/shared/macaroon/macaroon';
import { parseCaveat } from '@cardea/shared/macaroon/parse-caveat';
import { unixSeconds } from '@cardea/shared/time';
import { describe, expect, test } from 'vitest';
import { narrowParent, type TokenForm } from './parent-caveats.ts';

const NOW = Date.parse('2026-06-01T00:00:00Z') / 1000;
const TOKEN_ID = '3f8e5d0a-8c51-4b7e-9d12-6a0f4c2b7e91';
const CLAIMS = {
  ...{ tokenId: TOKEN_ID, keyId: 'k', issuer: 'i', audiences: ['a'], tenantId: 't', actor: 'x' },
  ...{ issuedAtSeconds: NOW - 5, expiresAtSeconds: NOW + 600, scopes: ['a', 'b', 'c'] },
  ...{ ancestorTokenIds: [], customClaims: {} },
} as unknown as VerifiedClaims;

function narrow(texts: readonly string[], form: TokenForm, change: Partial<VerifiedClaims> = {}) {
  const ownCaveats = texts.map((text): Caveat => ({ identifier: encodeUtf8(text) }));
  const caveats = ownCaveats.map(({ identifier }) => parseCaveat(identifier));
  const claims = { ...CLAIMS, ...change } as VerifiedClaims;
  const token = { claims, kid: 'kid', audience: 'a', narrowing: { caveats, ownCaveats } };
  const presented = { nowSeconds: unixSeconds(NOW), clientAddress: '192.0.2.7', form };
  return narrowParent(token, presented);
}
const carried = (texts: readonly string[]) => texts.map((text) => encodeUtf8(text));
const REQUEST_CAVEATS = [
  ...['method in GET', 'path in /x/*', 'host in api.example', 'tool in search', 'ext:a = b'],
];

describe('for a macaroon', () => {
  test('every caveat is carried on as it is, and scopes and life are narrowed beside', () => {
    const texts = [
      ...REQUEST_CAVEATS,
      ...['scope in a b', 'scope in b c', 'time < 2026-06-01T00:01:00Z', 'ip in 192.0.2.0/24'],
      ...['audience = a', 'tenant = t', 'actor = x', 'key = k', 'time >= 2026-05-31T00:00:00Z'],
    ];
    const narrowed = narrow(texts, 'macaroon');
    expect(narrowed).toEqual({
      outcome: 'narrowed',
      claims: { ...CLAIMS, scopes: ['b'], expiresAtSeconds: NOW + 60 },
      carriedCaveats: carried(texts),
    });
  });

  test.each([['a caveat that names the parent', [`token = ${TOKEN_ID}`], 'token']])(
    '%s cannot be carried',
    (_, texts, caveat) => {
      expect(narrow(texts, 'macaroon')).toEqual({ outcome: 'not_expressible', caveat });
    },
  );
});

describe('for a JWT', () => {
  test('what has a claim is in the claims', () => {
    const texts = ['scope in a', 'time < 2026-06-01T00:01:00Z', 'audience = a', 'actor = x'];
    expect(narrow(texts, 'jwt')).toEqual({
      outcome: 'narrowed',
      claims: { ...CLAIMS, scopes: ['a'], expiresAtSeconds: NOW + 60 },
      carriedCaveats: [],
    });
  });

  test('addresses are those that are in every list', () => {
    const texts = ['ip in 192.0.2.0/24 198.51.100.0/24', 'ip in 192.0.2.0/28 203.0.113.0/24'];
    for (const allowedCidrs of [undefined, ['192.0.0.0/16', '10.0.0.0/8']]) {
      const change = allowedCidrs === undefined ? {} : { allowedCidrs };
      const narrowed = narrow(texts, 'jwt', change);
      expect(narrowed).toMatchObject({ claims: { allowedCidrs: ['192.0.2.0/28'] } });
    }
  });

  test('more ranges than a token may have are not left out', () => {
    const of = (offset: number) =>
      Array.from({ length: 51 }, (_, i) => `192.0.2.${i + offset}/32`).sort();
    const text = `ip in ${of(0).join(' ')}`;
    expect(narrow([text], 'jwt')).toEqual({ outcome: 'not_expressible', caveat: 'addresses' });
    expect(narrow([text], 'macaroon').outcome).toBe('narrowed');
  });

  test.each([...REQUEST_CAVEATS.map((text) => [text] as const), [`token = ${TOKEN_ID}`] as const])(
    '%s has none, so there is no JWT',
    (text) => {
      const [, kind] = [text, parseCaveat(encodeUtf8(text)).kind];
      expect(narrow([text], 'jwt')).toEqual({ outcome: 'not_expressible', caveat: kind });
    },
  );
});

describe.each(['jwt', 'macaroon'] as const)('for a %s', (form) => {
  test.each([
    ['a time that is over', 'time < 2026-06-01T00:00:00Z', 'token_expired'],
    ['a time that has not come', 'time >= 2026-06-01T00:00:01Z', 'token_not_yet_valid'],
    ['another address', 'ip in 192.0.2.8/32', 'ip_not_allowed'],
    ['another audience', 'audience = b', 'audience_mismatch'],
    ['another tenant', 'tenant = u', 'tenant_mismatch'],
    ['another actor', 'actor = y', 'caveat_not_cleared'],
    ['another key', 'key = l', 'caveat_not_cleared'],
    ['a reserved caveat', 'max_uses = 1', 'caveat_not_cleared'],
    ['an unknown caveat', 'colour = red', 'caveat_unknown'],
    ['an unknown caveat in the words of a known one', 'scope in a  b', 'caveat_unknown'],
  ])('%s refuses the parent', (_, text, reason) => {
    const narrowed = narrow(['scope in a', text], form);
    expect(narrowed).toMatchObject({ outcome: 'refused', refusal: { reason } });
  });

  test('a third-party caveat has its key in the parent alone', () => {
    const bytes = encodeUtf8('x');
    const ownCaveats: Caveat[] = [{ identifier: bytes, sealedKey: bytes }];
    const narrowing = { caveats: [], ownCaveats };
    const token = { claims: CLAIMS, kid: 'kid', audience: 'a', narrowing };
    const presented = { nowSeconds: unixSeconds(NOW), clientAddress: undefined, form };
    expect(narrowParent(token, presented)).toEqual({
      ...{ outcome: 'not_expressible', caveat: 'third_party' },
    });
  });

  test('a JWT as parent has no caveats', () => {
    const presented = { nowSeconds: unixSeconds(NOW), clientAddress: undefined, form };
    const token = { claims: CLAIMS, kid: 'kid', audience: 'a' };
    expect(narrowParent(token, presented)).toEqual({
      ...{ outcome: 'narrowed', claims: CLAIMS, carriedCaveats: [] },
    });
  });
});
