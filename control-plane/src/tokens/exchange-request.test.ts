import { encodeUtf8 } from '@cardea/shared/bytes/utf8';
import { describe, expect, test } from 'vitest';
import { isFormType, readForm, readGrant } from './exchange-request.ts';
import { MACAROON_TYPE } from './token-types.ts';

describe('the form', () => {
  const read = (text: string) => readForm(encodeUtf8(text));

  test('is read with escapes and plus signs, empty values included', () => {
    expect(read('a=1+2&b=%2B%C3%A9&c=&d')).toEqual({
      ok: true,
      form: new Map([
        ['a', '1 2'],
        ['b', '+é'],
        ['c', ''],
        ['d', ''],
      ]),
    });
  });

  test.each([
    ['a parameter twice', 'a=1&a=2', 'A parameter is given twice.'],
    ['a parameter twice in other escapes', 'a=1&%61=1', 'A parameter is given twice.'],
    ['a broken escape', 'a=%zz', 'The body is not form-encoded.'],
    ['an escape of broken UTF-8', 'a=%ff', 'The body is not form-encoded.'],
  ])('with %s is refused', (_, text, description) => {
    expect(read(text)).toEqual({ ok: false, description });
  });

  test('that is not UTF-8 is refused', () => {
    expect(readForm(Uint8Array.of(0x61, 0x3d, 0xff))).toEqual({
      ok: false,
      description: 'The body is not UTF-8.',
    });
  });

  test.each([
    ['application/x-www-form-urlencoded', true],
    ['Application/X-WWW-Form-Urlencoded; charset=UTF-8', true],
    ['application/json', false],
    ['application/x-www-form-urlencodedx', false],
    ['multipart/form-data', false],
    ['', false],
    [null, false],
  ])('has the type %j: %j', (type, expected) => expect(isFormType(type)).toBe(expected));
});

describe('the terms', () => {
  const read = (form: Record<string, string>) => readGrant(new Map(Object.entries(form)));
  const GRANT = { grant_type: 'client_credentials' };

  test.each([
    ['all scopes', {}, { scopes: [] }],
    ['an audience', { audience: 'https://a' }, { scopes: [], audience: 'https://a' }],
    [
      'a type',
      { requested_token_type: 'urn:ietf:params:oauth:token-type:access_token' },
      { scopes: [], issuedTokenType: 'urn:ietf:params:oauth:token-type:access_token' },
    ],
    [
      'macaroons',
      { requested_token_type: MACAROON_TYPE },
      { scopes: [], form: 'macaroon', issuedTokenType: MACAROON_TYPE },
    ],
    ['no scope named', { scope: '' }, { scopes: [] }],
    ['two scopes', { scope: 'a:read b' }, { scopes: ['a:read', 'b'] }],
    ['a lifetime', { expires_in: '60' }, { scopes: [], lifetimeSeconds: 60 }],
    ['a parameter that nobody knows', { resource: 'x' }, { scopes: [] }],
  ])('are taken with %s', (_, form, terms) =>
    expect(read({ ...GRANT, ...form })).toEqual({
      grant: 'client_credentials',
      terms: { form: 'jwt', ...terms },
    }),
  );

  test.each([
    ['without grant_type', { grant_type: '' }, 'invalid_request'],
    ['with another grant', { grant_type: 'password' }, 'unsupported_grant_type'],
    ['with a grant in capitals', { grant_type: 'CLIENT_CREDENTIALS' }, 'unsupported_grant_type'],
    ['with two spaces in scope', { scope: 'a  b' }, 'invalid_scope'],
    ['with a space before scope', { scope: ' a' }, 'invalid_scope'],
    ['with a quote in scope', { scope: 'a"b' }, 'invalid_scope'],
    ['with a backslash in scope', { scope: 'a\\b' }, 'invalid_scope'],
    ['with a letter beyond ASCII in scope', { scope: 'é' }, 'invalid_scope'],
    ['with another type', { requested_token_type: 'saml2' }, 'invalid_request'],
    ['with a type of the prototype', { requested_token_type: 'constructor' }, 'invalid_request'],
    ['with expires_in of 0', { expires_in: '0' }, 'invalid_request'],
    ['with a negative expires_in', { expires_in: '-1' }, 'invalid_request'],
    ['with a fraction in expires_in', { expires_in: '1.5' }, 'invalid_request'],
    ['with an exponent in expires_in', { expires_in: '1e3' }, 'invalid_request'],
    ['with an endless expires_in', { expires_in: '9'.repeat(30) }, 'invalid_request'],
  ])('are refused %s', (_, form, error) => {
    expect(read({ ...GRANT, ...form })).toMatchObject({ error });
  });
});

describe('a token exchange', () => {
  const JWT_TYPE = 'urn:ietf:params:oauth:token-type:jwt';
  const EXCHANGE = { grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange' };
  const JWT = { subject_token: 'eyJh.eyJh.AA', subject_token_type: JWT_TYPE };
  const MACAROON = { subject_token: 'mc_v1_AA', subject_token_type: MACAROON_TYPE };
  const read = (form: Record<string, string>) =>
    readGrant(new Map(Object.entries({ ...EXCHANGE, ...form })));

  test.each([
    ['of a JWT', JWT, 'jwt'],
    ['of a macaroon', MACAROON, 'macaroon'],
    ['of a macaroon for a JWT', { ...MACAROON, requested_token_type: JWT_TYPE }, 'jwt'],
    ['of a JWT for a macaroon', { ...JWT, requested_token_type: MACAROON_TYPE }, 'macaroon'],
  ])('%s', (_, form, issued) => {
    const issuedTokenType = issued === 'jwt' ? JWT_TYPE : MACAROON_TYPE;
    expect(read(form)).toEqual({
      grant: 'token_exchange',
      subjectToken: form.subject_token,
      terms: { form: issued, issuedTokenType, scopes: [] },
    });
  });

  test.each([
    ['without a subject', {}, 'invalid_request'],
    ['without its type', { subject_token: JWT.subject_token }, 'invalid_request'],
    ['of another type', { ...JWT, subject_token_type: 'x' }, 'invalid_request'],
    [
      'of a JWT called a macaroon',
      { ...JWT, subject_token_type: MACAROON_TYPE },
      'invalid_request',
    ],
    [
      'of a macaroon called a JWT',
      { ...MACAROON, subject_token_type: JWT_TYPE },
      'invalid_request',
    ],
    ['of an API key', { ...JWT, subject_token: 'ck_v1_x' }, 'invalid_request'],
    ['for an actor', { ...JWT, actor_token: 'x' }, 'invalid_request'],
    ['for an actor without token', { ...JWT, actor_token_type: 'x' }, 'invalid_request'],
    ['for another type', { ...JWT, requested_token_type: 'x' }, 'invalid_request'],
    ['for a resource', { ...JWT, resource: 'https://x' }, 'invalid_target'],
    ['for a malformed scope', { ...JWT, scope: ' ' }, 'invalid_scope'],
  ])('is refused %s', (_, form, error) => expect(read(form)).toMatchObject({ error }));
});
