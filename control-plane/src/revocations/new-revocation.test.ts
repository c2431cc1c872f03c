import { scopeIdOfKey, scopeIdOfUuid } from '@cardea/shared/feed/scope-id';
import { expect, test } from 'vitest';
import { revocationLivesSeconds, revocationOfKey, revocationOfToken } from './new-revocation.ts';

const UUID = 'de027e2c-4b86-4f9b-9a86-b678b5f11df6';
const CAUSE = { revocationId: UUID, tenantId: UUID, cause: 'test', livesSeconds: 60 };

test.each([
  ['an issued key', UUID],
  ['an imported key', 'ab'.repeat(32)],
])('%s is revoked for good by its own scope id', (_, keyId) => {
  expect(revocationOfKey({ ...CAUSE, keyId })).toEqual({
    ...CAUSE,
    scope: 'key',
    scopeId: scopeIdOfKey(keyId),
    bound: 'for_good',
  });
});

test('a token is revoked for good by its own scope id', () => {
  expect(revocationOfToken({ ...CAUSE, tokenId: UUID })).toMatchObject({
    scope: 'token',
    scopeId: scopeIdOfUuid(UUID),
    bound: 'for_good',
  });
});

test.each(['', 'key', UUID.toUpperCase(), 'AB'.repeat(32)])(
  'no row is made for the id %j',
  (keyId) => {
    expect(() => revocationOfKey({ ...CAUSE, keyId })).toThrow(TypeError);
  },
);

test('a revocation lives as long as the last token that it may match, skew included', () => {
  const limits = { derivedTokenTtlSecondsMax: 86_400, clockSkewSeconds: 60 };
  expect(revocationLivesSeconds(limits)).toBe(86_460);
});
