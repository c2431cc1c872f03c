/** Guarantee: what others are told of a macaroon is never more than its caveats leave. */

import { expect, test } from 'vitest';
import type { VerifiedClaims } from '../jwt/claims.ts';
import { unixSeconds } from '../time.ts';
import { narrowClaims } from './narrow-claims.ts';
import { parseCaveatText } from './parse-caveat.ts';

const claims = {
  scopes: ['notes:read', 'notes:write'],
  expiresAtSeconds: unixSeconds(1_800_000_000),
  keyId: 'key',
} as unknown as VerifiedClaims; // The other members are of no concern here.

const narrowedBy = (...texts: string[]) => {
  const caveats = texts.map((text) => {
    const caveat = parseCaveatText(text);
    if (caveat === undefined) throw new Error(`no caveat: ${text}`);
    return caveat;
  });
  const { scopes, expiresAtSeconds, keyId } = narrowClaims(claims, caveats);
  return { scopes, end: expiresAtSeconds, keyId };
};
const EARLIER = 'time < 2026-01-01T00:00:00Z';
const EARLIER_SECONDS = Date.UTC(2026) / 1000;

test('without caveats of these kinds all of it is left', () => {
  const whole = { scopes: claims.scopes, end: 1_800_000_000, keyId: 'key' };
  expect(narrowedBy()).toEqual(whole);
  expect(narrowedBy('method in GET', 'time >= 2030-01-01T00:00:00Z')).toEqual(whole);
});

test.each([
  [['scope in notes:read'], ['notes:read']],
  [['scope in notes:admin notes:read'], ['notes:read']],
  [['scope in notes:read', 'scope in notes:write'], []],
  [['scope in notes:admin'], []],
])('scopes after %j: %j', (texts, scopes) => {
  expect(narrowedBy(...texts)).toMatchObject({ scopes });
});

test('the earliest end counts, in any order, and none makes it later', () => {
  const late = 'time < 2099-01-01T00:00:00Z';
  for (const texts of [[EARLIER], [EARLIER, late], [late, EARLIER]]) {
    expect(narrowedBy(...texts)).toMatchObject({ end: EARLIER_SECONDS });
  }
  expect(narrowedBy(late)).toMatchObject({ end: 1_800_000_000 });
});

test('the claims that were given stay as they are', () => {
  const before = JSON.stringify(claims);
  narrowedBy('scope in notes:read', EARLIER);
  expect(JSON.stringify(claims)).toBe(before);
});
