/** Guarantee: a macaroon token is taken for genuine under the same rules as a JWT, and by nothing less. */

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
import type { Macaroon } from './macaroon.ts';
import { mintMacaroon } from './mint.ts';
import { writeMacaroonToken } from './token-text.ts';
import { verifyMacaroonToken } from './verify-token.ts';

const NOW = unixSeconds(1_790_000_000);
const TOKEN_ID = '3f8e5d0a-8c51-4b7e-9d12-6a0f4c2b7e91';
const policy = {
  issuer: 'https://issuer.example',
  audience: 'https://api.example',
  tenantId: '7d0c5e1b-93a4-4f68-8a52-c1e6b7f20d39',
  lifetimeSecondsMax: 3600,
  clockSkewSeconds: 60,
};
const key = {
  ...{ kid: 'mk-1', issuer: policy.issuer, audience: policy.audience, tenantId: policy.tenantId },
  notBeforeSeconds: unixSeconds(NOW - 100),
  notAfterSeconds: unixSeconds(NOW + 100),
  rootKey: new Uint8Array(32).fill(7),
};
const CLAIMS = {
  ...{ jti: TOKEN_ID, sub: 'b1a7c9de-2f34-4c56-a789-0123456789ab', iss: policy.issuer },
  ...{ aud: policy.audience, iat: NOW - 10, nbf: NOW - 10, exp: NOW + 600, nid: policy.tenantId },
  scp: ['orders:read'],
};

interface Forgery {
  readonly claims?: Record<string, unknown>;
  readonly identifier?: string;
  readonly location?: string;
  readonly firstPartyCaveats?: readonly string[];
  readonly rootKey?: Uint8Array<ArrayBuffer>;
}

function forge(forgery: Forgery = {}): Macaroon {
  const { claims = {}, location = policy.issuer, rootKey = key.rootKey } = forgery;
  const grant = JSON.stringify({ ...CLAIMS, ...claims });
  const { firstPartyCaveats = [grant] } = forgery;
  const identifier = forgery.identifier ?? `{"jti":"${TOKEN_ID}","kid":"mk-1"}`;
  return mintMacaroon({ rootKey, location, identifier, firstPartyCaveats });
}

function textOf(macaroon: Macaroon, ...discharges: Macaroon[]): string {
  const text = writeMacaroonToken({ macaroon, discharges });
  if (!text.ok) throw new Error(text.refusal.reason);
  return text.value;
}

function verify(text: string, changes: Partial<typeof key> = {}, nowSeconds = NOW) {
  const changed = { ...key, ...changes };
  return verifyMacaroonToken(text, { keys: new Map([[key.kid, changed]]), policy, nowSeconds });
}

test('positive control: claims, key and the caveats behind the grant, in order', () => {
  const identifier = encodeIdentifier({ tokenId: TOKEN_ID, kid: key.kid });
  const minted = mintMacaroon({
    ...{ rootKey: key.rootKey, location: policy.issuer, identifier },
    firstPartyCaveats: [encodeBaseGrant(CLAIMS), 'method in GET'],
  });
  const narrowed = attenuateToken(textOf(minted), ['path in /orders/*', 'ext:x = y']);
  if (!narrowed.ok) throw new Error(narrowed.refusal.reason);
  expect(narrowed.value).toMatch(/^mc_v1_[A-Za-z0-9_-]+$/);
  expect(verify(narrowed.value)).toMatchObject({
    ok: true,
    value: {
      key: { kid: 'mk-1' },
      claims: { tokenId: TOKEN_ID, scopes: ['orders:read'], tenantId: policy.tenantId },
      caveats: [
        { kind: 'methods', methods: ['GET'] },
        { kind: 'paths', patterns: [{ segments: ['orders'], isSubtree: true }] },
        { kind: 'extension', name: 'x', value: 'y' },
      ],
    },
  });
});

test.each([
  ['no prefix', (text: string) => text.slice(6), 'macaroon_malformed'],
  ['another prefix', (text: string) => text.replace('mc_', 'md_'), 'macaroon_malformed'],
  ['another version', (text: string) => text.replace('_v1_', '_v2_'), 'macaroon_malformed'],
  ['padding', (text: string) => `${text}=`, 'macaroon_malformed'],
  ['white space', (text: string) => `${text}\n`, 'macaroon_malformed'],
  ['an empty discharge', (text: string) => `${text}.`, 'macaroon_malformed'],
  ['many discharges', (text: string) => text + '.AA'.repeat(17), 'macaroon_malformed'],
  ['a long text', (text: string) => text + 'A'.repeat(8192), 'token_too_large'],
  ['itself as discharge', (text: string) => `${text}.${text.slice(6)}`, 'discharge_unused'],
])('refuses a text with %s', (_, alter, reason) => {
  const text = textOf(forge());
  expect(verify(text).ok).toBe(true);
  expect(verify(alter(text))).toMatchObject({ ok: false, refusal: { reason } });
});

describe('the identifier', () => {
  const malformed = refuse('macaroon_malformed', { part: 'identifier' });
  test.each([
    ['is Talos’s, without a kid', `{"jti":"${TOKEN_ID}"}`],
    ['has white space', `{"jti":"${TOKEN_ID}", "kid":"mk-1"}`],
    ['has another order', `{"kid":"mk-1","jti":"${TOKEN_ID}"}`],
    ['has a member more', `{"jti":"${TOKEN_ID}","kid":"mk-1","alg":"none"}`],
    ['has a member twice', `{"jti":"${TOKEN_ID}","kid":"mk-1","kid":"mk-1"}`],
    ['has an escape', `{"jti":"${TOKEN_ID}","kid":"mk\\u002d1"}`],
    ['has no UUID', '{"jti":"1","kid":"mk-1"}'],
    ['has a number as kid', `{"jti":"${TOKEN_ID}","kid":1}`],
    ['has an empty kid', `{"jti":"${TOKEN_ID}","kid":""}`],
    ['has a long kid', `{"jti":"${TOKEN_ID}","kid":"${'k'.repeat(129)}"}`],
    ['is a list', `["${TOKEN_ID}","mk-1"]`],
    ['is no JSON', 'mk-1'],
  ])('refuses one that %s', (_, identifier) => {
    expect(verify(textOf(forge({ identifier })))).toEqual(malformed);
  });

  test.each(['mk-2', 'constructor', '__proto__'])('%s names no key', (kid) => {
    const identifier = `{"jti":"${TOKEN_ID}","kid":"${kid}"}`;
    expect(verify(textOf(forge({ identifier })))).toEqual(refuse('signing_key_unknown'));
  });
});

describe('the key', () => {
  const text = textOf(forge());
  const kid = 'mk-1';
  test.each([
    ['not live yet', { notBeforeSeconds: unixSeconds(NOW + 1) }, 'signing_key_not_live'],
    ['not live any more', { notAfterSeconds: NOW }, 'signing_key_not_live'],
    ['of another tenant', { tenantId: 'x' }, 'tenant_mismatch'],
    ['of another issuer', { issuer: 'x' }, 'issuer_mismatch'],
    ['for another audience', { audience: 'x' }, 'audience_mismatch'],
  ] as const)('%s is refused before the chain is looked at', (_, changes, reason) => {
    expect(verify(text, changes)).toEqual(refuse(reason, { kid }));
    const rootKey = new Uint8Array(32);
    expect(verify(text, { ...changes, rootKey })).toEqual(refuse(reason, { kid }));
  });

  test('that did not make the macaroon does not verify it', () => {
    expect(verify(text, { rootKey: new Uint8Array(32) })).toEqual(
      refuse('signature_invalid', { kid: 'mk-1' }),
    );
  });
});

describe('the base grant', () => {
  const other = { claims: { jti: '0c9f2f8e-6f0e-4d5b-8a61-0f6a3a1b7f11' } };
  test.each([
    ['of another token', other, refuse('claims_malformed', { claim: 'jti' })],
    [
      'without a tenant',
      { claims: { nid: undefined } },
      refuse('claims_malformed', { claim: 'nid' }),
    ],
    ['with cnf', { claims: { cnf: {} } }, refuse('claims_malformed', { claim: 'cnf' })],
    ['expired', { claims: { exp: NOW } }, refuse('token_expired', { exp: NOW })],
    [
      'of the future',
      { claims: { iat: NOW + 61, nbf: NOW } },
      refuse('token_not_yet_valid', { claim: 'iat' }),
    ],
    [
      'not valid yet',
      { claims: { nbf: NOW + 61 } },
      refuse('token_not_yet_valid', { claim: 'nbf' }),
    ],
    [
      'that lives long',
      { claims: { exp: NOW + 3591 } },
      refuse('token_lifetime_too_long', { lifetimeSeconds: 3601 }),
    ],
    ['of another issuer', { claims: { iss: 'x' } }, refuse('issuer_mismatch')],
    ['for another audience', { claims: { aud: 'x' } }, refuse('audience_mismatch')],
    ['of another tenant', { claims: { nid: 'x' } }, refuse('tenant_mismatch')],
    ['with another location', { location: 'https://issuer.example/' }, refuse('issuer_mismatch')],
    [
      'that is no JSON',
      { firstPartyCaveats: ['method in GET'] },
      refuse('macaroon_malformed', { part: 'base_grant' }),
    ],
    [
      'that is missing',
      { firstPartyCaveats: [] },
      refuse('macaroon_malformed', { part: 'base_grant' }),
    ],
    [
      'that comes second',
      { firstPartyCaveats: ['method in GET', JSON.stringify(CLAIMS)] },
      refuse('macaroon_malformed', { part: 'base_grant' }),
    ],
  ] as const)('%s is refused', (_, forgery, expected) => {
    expect(verify(textOf(forge(forgery)))).toEqual(expected);
  });

  test('behind a third-party caveat is refused, whoever put it there', () => {
    const grant = { identifier: encodeUtf8(JSON.stringify(CLAIMS)) };
    const empty = forge({ firstPartyCaveats: [] });
    const asking = addThirdPartyCaveat(empty, {
      ...{ identifier: encodeUtf8('p'), caveatKey: encodeUtf8('q'), nonce: new Uint8Array(24) },
    });
    const whole = asking.ok ? append(asking.value, [grant]) : asking;
    if (!whole.ok) throw new Error(whole.refusal.reason);
    const rootKey = encodeUtf8('q');
    const discharge = mintMacaroon({ rootKey, identifier: 'p', firstPartyCaveats: [] });
    expect(verify(textOf(whole.value, bindDischarge(whole.value, discharge)))).toEqual(
      refuse('macaroon_malformed', { part: 'base_grant' }),
    );
  });

  test('counts the first time only: a wider one later is an unknown caveat', () => {
    const wider = encodeBaseGrant({ ...CLAIMS, scp: ['admin'] });
    const widened = append(forge(), [{ identifier: wider }]);
    if (!widened.ok) throw new Error(widened.refusal.reason);
    expect(verify(textOf(widened.value))).toMatchObject({
      ok: true,
      value: { claims: { scopes: ['orders:read'] }, caveats: [{ kind: 'unknown', bytes: wider }] },
    });
  });
});

test('a discharge cannot bring a grant or a key of its own', () => {
  const discharge = forge({ claims: { scp: ['admin'] } });
  const macaroon = forge();
  expect(verify(textOf(macaroon, bindDischarge(macaroon, discharge)))).toEqual(
    refuse('discharge_unused', { kid: 'mk-1' }),
  );
});

test('whoever holds a narrowed token cannot get back the one it was made of', () => {
  const macaroon = forge();
  const narrowed = addCaveats(macaroon, ['scope in orders:read', 'method in GET']);
  if (!narrowed.ok) throw new Error(narrowed.refusal.reason);
  const { caveats, signature } = narrowed.value;
  expect(verify(textOf(narrowed.value)).ok).toBe(true);
  for (const kept of [caveats.slice(0, 1), caveats.slice(0, 2), [...caveats].reverse(), []]) {
    expect(verify(textOf({ ...macaroon, caveats: kept, signature }))).toEqual(
      refuse('signature_invalid', { kid: 'mk-1' }),
    );
  }
});

test('the key’s last second is the one before its end', () => {
  const text = textOf(forge());
  expect(verify(text, {}, unixSeconds(NOW + 99)).ok).toBe(true);
  expect(verify(text, {}, unixSeconds(NOW + 100))).toEqual(
    refuse('signing_key_not_live', { kid: 'mk-1' }),
  );
});
