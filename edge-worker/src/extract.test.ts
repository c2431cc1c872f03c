/** Guarantee: exactly one credential, in one place, of a kind that is verified here (RFC 6750 §2). */

import { accept, refuse } from '@cardea/shared/result';
import { describe, expect, test } from 'vitest';
import { extractToken } from './extract.ts';

const TOKEN = 'eyJhbGciOiJFZERTQSJ9.e30.c2ln';
const ISSUED = `ck_v1_${'1A2b3C4d5E6f7G8h9J'.repeat(3)}_${'9z8y7x6w5v'}`;

describe('accepted presentations', () => {
  test.each([
    [`Bearer ${TOKEN}`, ''],
    [`bearer ${TOKEN}`, ''],
    [`BEARER ${TOKEN}`, ''],
    [`Bearer   ${TOKEN}`, ''],
    [`Bearer ${TOKEN}`, '?page=2&q=%20'],
    [`Bearer ${TOKEN}`, '?access_tokens=1&my_access_token=2&q=access_token'],
  ])('%s with query %j', (authorization, query) => {
    expect(extractToken(authorization, query)).toEqual(accept(TOKEN));
  });

  test('what is no token at all is left to the verifier, which knows the reason', () => {
    expect(extractToken('Bearer garbage', '')).toEqual(accept('garbage'));
    expect(extractToken(`Bearer \u00a0${TOKEN}`, '')).toEqual(accept(`\u00a0${TOKEN}`));
    expect(extractToken(`Bearer ${TOKEN} ${TOKEN}`, '')).toEqual(accept(`${TOKEN} ${TOKEN}`));
  });
});

describe('a macaroon', () => {
  const MACAROON = 'mc_v1_AgEUaHR0cHM.AgEFYWI';

  test('with its discharges is accepted where there are keys for it, and only there', () => {
    expect(extractToken(`Bearer ${MACAROON}`, '', true)).toEqual(accept(MACAROON));
    expect(extractToken(`Bearer ${MACAROON}`, '', false)).toEqual(refuse('token_type_unsupported'));
  });

  test.each([
    [`Bearer ${MACAROON}, Bearer ${MACAROON}`, 'credential_ambiguous'],
    [`Bearer ${MACAROON},${MACAROON}`, 'credential_ambiguous'],
    [`Macaroon ${MACAROON}`, 'credential_scheme_unknown'],
    [`Bearer mc_v1_${'a'.repeat(8193)}`, 'token_too_large'],
    [`Bearer ${ISSUED}`, 'api_key_not_accepted'],
  ] as const)('changes nothing about %j: %s', (authorization, reason) => {
    expect(extractToken(authorization, '', true)).toMatchObject({ ok: false, refusal: { reason } });
  });

  test.each(['MC_v1_AgEU', 'mc_v2_AgEU', 'mc_v1', ' mc_v1_AgEU'])('%j is none', (text) => {
    // Left to the verifier of JWTs, which refuses it.
    expect(extractToken(`Bearer x${text}`, '', true)).toEqual(accept(`x${text}`));
  });
});

describe('refused presentations', () => {
  test.each([
    [null, 'credential_missing'],
    ['', 'credential_missing'],
    ['Bearer', 'credential_missing'],
    ['bearer', 'credential_missing'],
    [TOKEN, 'credential_scheme_unknown'],
    [`Basic dXNlcjpwYXNz`, 'credential_scheme_unknown'],
    [`Token ${TOKEN}`, 'credential_scheme_unknown'],
    [`DPoP ${TOKEN}`, 'credential_scheme_unknown'],
    [`Bearer\t${TOKEN}`, 'credential_scheme_unknown'],
    [`Bearer:${TOKEN}`, 'credential_scheme_unknown'],
    [`Bearer${TOKEN}`, 'credential_scheme_unknown'],
    ['Digest username="a", realm="b"', 'credential_scheme_unknown'],
    [`Bearer ${TOKEN}, Bearer ${TOKEN}`, 'credential_ambiguous'],
    [`Bearer ${TOKEN},`, 'credential_ambiguous'],
    [`Bearer ${TOKEN}, Basic dXNlcjpwYXNz`, 'credential_ambiguous'],
    [`Basic dXNlcjpwYXNz, Bearer ${TOKEN}`, 'credential_ambiguous'],
    [`Basic dXNlcjpwYXNz,bEARER ${TOKEN}`, 'credential_ambiguous'],
    [`Bearer ${'a'.repeat(8193)}`, 'token_too_large'],
    [`Bearer ${ISSUED}`, 'api_key_not_accepted'],
    [`Bearer mc_v1_AgEUaHR0cHM`, 'token_type_unsupported'],
  ] as const)('%j: %s', (authorization, reason) => {
    expect(extractToken(authorization, '')).toMatchObject({ ok: false, refusal: { reason } });
  });

  test.each([
    '?access_token=x',
    '?a=b&access_token=x',
    '?access_token',
    '?access%5Ftoken=x',
    '?%61ccess_token=x',
    '?access_token=x&access_token=y',
  ])('a token in the query %j, with and without the header', (query) => {
    const refusal = refuse('credential_ambiguous', { place: 'query' });
    expect(extractToken(`Bearer ${TOKEN}`, query)).toEqual(refusal);
    expect(extractToken(null, query)).toEqual(refusal);
  });

  test('no refusal carries the text of the credential', () => {
    for (const text of [`Bearer ${ISSUED}`, `Basic ${TOKEN}`, `Bearer ${TOKEN}, x`]) {
      expect(JSON.stringify(extractToken(text, ''))).not.toMatch(/eyJ|ck_v1/);
    }
  });
});
