import { unixSeconds } from '@cardea/shared/time';
import { describe, expect, test } from 'vitest';
import { jwksOf, keysetKeysOf } from './published-keys.ts';
import type { SigningKey } from './signing-key.ts';

const BINDING = { issuer: 'i', audience: 'a', feedHardSeconds: 120, clockSkewSeconds: 60 };
const CREATED = 1_800_000_000;

const key = (changes: Partial<SigningKey> = {}): SigningKey => ({
  tenantId: 't',
  kid: 'k',
  algorithm: 'EdDSA',
  state: 'pending',
  publicJwk: { kty: 'OKP', crv: 'Ed25519', x: 'x' },
  createdAtSeconds: unixSeconds(CREATED),
  ...changes,
});

const active = (at: number) =>
  key({ kid: 'active', state: 'active', activatedAtSeconds: unixSeconds(at) });

const only = (keys: readonly SigningKey[], kid: string) =>
  keysetKeysOf(keys, BINDING).find((one) => one.kid === kid);

describe('in the keyset', () => {
  test('a first key verifies from its creation on, as the slowest clock tells it', () => {
    expect(only([key()], 'k')).toMatchObject({
      notBeforeSeconds: CREATED - 60,
      notAfterSeconds: 0xffffffff,
    });
  });

  test('a later key verifies from the earliest time at which it may sign, whatever its state', () => {
    const old = active(CREATED - 1000);
    const pending = only([old, key()], 'k');
    expect(pending).toMatchObject({ state: 'pending', notBeforeSeconds: CREATED + 120 });
    // Activated as early as can be: a bound (120 s + 60 s) after its creation.
    const activated = key({ state: 'active', activatedAtSeconds: unixSeconds(CREATED + 180) });
    expect(only([old, activated], 'k')?.notBeforeSeconds).toBe(CREATED + 120);
  });

  test('a retiring key verifies until it leaves, and a retired one is gone', () => {
    const retiresAtSeconds = unixSeconds(CREATED + 86_460);
    const dates = { activatedAtSeconds: unixSeconds(CREATED), retiresAtSeconds };
    expect(only([key({ ...dates, state: 'retiring' })], 'k')?.notAfterSeconds).toBe(
      retiresAtSeconds,
    );
    expect(only([key({ ...dates, state: 'retired' })], 'k')).toBeUndefined();
  });
});

describe('no private member is shown', () => {
  const leaky = { kty: 'OKP', crv: 'Ed25519', x: 'x', d: 'private', k: 'private' };

  test('in the keyset nor in the JWKS', () => {
    const keys = [key({ publicJwk: leaky })];
    expect(JSON.stringify([keysetKeysOf(keys, BINDING), jwksOf(keys)])).not.toContain('private');
    expect(jwksOf(keys)).toEqual([
      { kty: 'OKP', crv: 'Ed25519', x: 'x', alg: 'EdDSA', use: 'sig', kid: 'k' },
    ]);
  });

  test.each([
    ['of an unknown type', { kty: 'oct', k: 'private' }],
    ['of a type that every object has', { kty: 'constructor' }],
    ['without a type', {}],
    ['without its point', { kty: 'OKP', crv: 'Ed25519' }],
  ])('and a key %s is none', (_, publicJwk) => {
    expect(() => jwksOf([key({ publicJwk })])).toThrow(TypeError);
  });
});
