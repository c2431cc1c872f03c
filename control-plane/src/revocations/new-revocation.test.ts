import { scopeIdOfKey, scopeIdOfUuid } from '@cardea/shared/feed/scope-id';
import { unixSeconds } from '@cardea/shared/time';
import { expect, test } from 'vitest';
import {
  cutOffOfActor,
  cutOffOfEverything,
  cutOffOfKey,
  cutOffOfTenant,
  revocationLivesSeconds,
  revocationOfKey,
  revocationOfSigningKey,
  revocationOfTenant,
  revocationOfToken,
} from './new-revocation.ts';
import type { NewRevocation } from './revocation.ts';

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
    subject: keyId,
  });
});

test('a token is revoked for good by its own scope id', () => {
  expect(revocationOfToken({ ...CAUSE, tokenId: UUID })).toMatchObject({
    scope: 'token',
    scopeId: scopeIdOfUuid(UUID),
    bound: 'for_good',
    subject: UUID,
  });
});

const SCOPE = { high: 1, low: 2 };
const LEAKED = { ...CAUSE, reason: 'leaked' };
const T = unixSeconds(7);

test.each<readonly [NewRevocation, Partial<NewRevocation>]>([
  [cutOffOfKey({ ...CAUSE, keyId: UUID }), { scope: 'key', bound: 'at_commit', subject: UUID }],
  [cutOffOfKey({ ...CAUSE, keyId: UUID, bound: T }), { scope: 'key', bound: T }],
  [revocationOfTenant(CAUSE), { scope: 'tenant', bound: 'for_good', subject: UUID }],
  [cutOffOfTenant({ ...CAUSE, bound: T }), { scope: 'tenant', bound: T, subject: UUID }],
  [
    cutOffOfActor({ ...LEAKED, actor: 'ada', scopeId: SCOPE, bound: 'at_commit' }),
    { scope: 'actor', scopeId: SCOPE, bound: 'at_commit', subject: 'ada', reason: 'leaked' },
  ],
  [
    revocationOfSigningKey({ ...CAUSE, kid: 'k', scopeId: SCOPE }),
    { scope: 'signing_key', scopeId: SCOPE, bound: 'for_good', subject: 'k' },
  ],
  [
    cutOffOfEverything({ ...CAUSE, bound: T }),
    { scope: 'everything', scopeId: { high: 0, low: 0 }, bound: T },
  ],
])('%j says what it is about', (revocation, expected) => {
  expect(revocation).toMatchObject(expected);
  expect('subject' in revocation).toBe(revocation.scope !== 'everything');
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
