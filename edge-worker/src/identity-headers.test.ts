/**
 * Guarantee: the origin learns about the caller from verified claims only (threat 7), and no claim can
 * write anything but its own header (threat 10).
 */

import type { VerifiedClaims } from '@cardea/shared/jwt/claims';
import { unixSeconds } from '@cardea/shared/time';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rememberNames } from './header-filter.ts';
import {
  encodeIdentity,
  IDENTITY_HEADER_NAMES,
  identityHeadersOf,
  isDroppedFromRequest,
} from './identity-headers.ts';

const claimsOf = (changes: Partial<VerifiedClaims>) =>
  ({
    tokenId: '1b4e28ba-2fa1-4d2e-883f-0016d3cca427',
    keyId: '6fa459ea-ee8a-4ca4-894e-db77e160355e',
    issuer: 'https://issuer.test',
    audiences: ['https://api.test'],
    tenantId: '7d0c5e1b-93a4-4f68-8a52-c1e6b7f20d39',
    issuedAtSeconds: unixSeconds(1_700_000_000),
    expiresAtSeconds: unixSeconds(1_700_000_900),
    scopes: [],
    ancestorTokenIds: [],
    customClaims: {},
    ...changes,
  }) as VerifiedClaims;

describe('what the origin is told', () => {
  test('exactly these headers', () => {
    const claims = claimsOf({ actor: 'alice@example.test', scopes: ['notes:read', 'a b', 'c,d'] });
    expect(Object.fromEntries(identityHeadersOf(claims))).toEqual({
      'cardea-key-id': '6fa459ea-ee8a-4ca4-894e-db77e160355e',
      'cardea-tenant': '7d0c5e1b-93a4-4f68-8a52-c1e6b7f20d39',
      'cardea-token-id': '1b4e28ba-2fa1-4d2e-883f-0016d3cca427',
      'cardea-actor': 'alice@example.test',
      'cardea-scopes': 'notes:read a%20b c%2Cd',
      'cardea-expires-at': '1700000900',
    });
  });

  test('every one of them has a name that is taken out of answers', () => {
    const names = identityHeadersOf(claimsOf({ actor: 'a' })).map(([name]) => name);
    expect(names.toSorted()).toEqual([...IDENTITY_HEADER_NAMES].sort());
  });

  test('no actor, no header', () => {
    expect(Object.fromEntries(identityHeadersOf(claimsOf({})))).not.toHaveProperty('cardea-actor');
  });

  test.each([
    'a\r\nCardea-Scopes: admin',
    'a\nb',
    'a\u0000b',
    '😀',
    'é',
    'a b',
    ' a ',
    'a,b',
    'a;b',
    '"a"',
    '%41',
    "!'()*",
    'a+b',
    '\u2028',
    '\ud800',
    'x'.repeat(65_536),
    '\u{1f600}'.repeat(16_384),
  ])('the actor %j is one header value of harmless ASCII that decodes to itself', (actor) => {
    const value = encodeIdentity(actor);
    expect(value).toMatch(/^[A-Za-z0-9\-._~:/@%]+$/);
    expect(new Headers([['cardea-actor', value]]).get('cardea-actor')).toBe(value);
    expect(decodeURIComponent(value)).toBe(actor.toWellFormed());
  });

  test('different texts have different values', () => {
    const text = fc.string({ unit: 'binary', maxLength: 8 });
    fc.assert(
      fc.property(text, (actor) => decodeURIComponent(encodeIdentity(actor)) === actor),
      { seed: 7 },
    );
  });
});

describe('what a client cannot tell the origin', () => {
  const spoofs = [
    ...['cardea-key-id', 'cardea-actor', 'cardea-tenant', 'cardea-scopes', 'cardea-token-id'],
    ...['cardea-expires-at', 'cardea-anything', 'x-cardea-actor', 'x-auth-request-user', 'x-auth'],
    ...['x-authenticated-user', 'x-talos-key-id', 'x-user', 'x-user-id', 'x-userid', 'x-username'],
    ...['x-forwarded-user', 'x-forwarded-email', 'x-forwarded-for', 'x-forwarded-host'],
    ...['x-forwarded-proto', 'x-forwarded-prefix', 'x-remote-user', 'remote-user', 'forwarded'],
    ...['x-webauth-user', 'x-real-ip', 'true-client-ip', 'x-client-ip', 'cf-connecting-ip'],
    ...['cf-access-jwt-assertion', 'cf-ray', 'x-goog-iap-jwt-assertion', 'x-amzn-oidc-data'],
    ...['x-ms-client-principal-id', 'x-ssl-client-dn', 'x-original-url', 'x-rewrite-url'],
    ...['x-http-method-override', 'x-http-method', 'x-method-override', 'x-request-id'],
  ];
  const hop = ['connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade'];
  const others = ['proxy-authorization', 'host', 'content-length', 'expect'];

  test.each([...spoofs, ...hop, ...others])('%s, in every spelling', (name) => {
    const capitals = name.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());
    const spellings = [name, name.toUpperCase(), capitals, name.replaceAll('-', '_')];
    const mixed = [name.replace('-', '_'), name.replaceAll('-', '.'), name.replaceAll('-', "'")];
    for (const spelling of [...spellings, ...mixed]) {
      expect([spelling, isDroppedFromRequest(spelling)]).toEqual([spelling, true]);
    }
  });

  test.each([
    ...['accept', 'accept-encoding', 'content-type', 'cookie', 'user-agent', 'x-api-version'],
    ...['if-none-match', 'range', 'origin', 'referer', 'idempotency-key', 'traceparent'],
    ...['sec-websocket-key', 'authorization', 'x-requested-with', 'x-csrf-token', 'cardeal'],
  ])('%s passes', (name) => {
    expect(isDroppedFromRequest(name)).toBe(false);
  });

  test('the memory of names changes no answer, also when it is full', () => {
    let asked = 0;
    const remembered = rememberNames((name) => {
      asked += 1;
      return isDroppedFromRequest(name);
    });
    for (let i = 0; i < 2000; i++) expect(remembered(`x-filler-${i}`)).toBe(false);
    for (const name of ['cardea-actor', 'accept', 'cardea-actor', 'accept']) {
      expect(remembered(name)).toBe(isDroppedFromRequest(name));
    }
    expect(asked).toBe(2004);
    expect(remembered('x-filler-0')).toBe(false);
    expect(asked).toBe(2004);
  });
});
