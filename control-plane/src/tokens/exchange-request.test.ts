import { encodeUtf8 } from '@cardea/shared/bytes/utf8';
import { describe, expect, test } from 'vitest';
import { isFormType, readForm, readTerms } from './exchange-request.ts';

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
  const read = (form: Record<string, string>) => readTerms(new Map(Object.entries(form)));
  const GRANT = { grant_type: 'client_credentials' };

  test.each([
    ['all scopes', {}, { scopes: [] }],
    ['no scope named', { scope: '' }, { scopes: [] }],
    ['two scopes', { scope: 'a:read b' }, { scopes: ['a:read', 'b'] }],
    ['a lifetime', { expires_in: '60' }, { scopes: [], lifetimeSeconds: 60 }],
    ['a parameter that nobody knows', { resource: 'x' }, { scopes: [] }],
  ])('are taken with %s', (_, form, terms) =>
    expect(read({ ...GRANT, ...form })).toEqual({ terms }),
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
    ['with expires_in of 0', { expires_in: '0' }, 'invalid_request'],
    ['with a negative expires_in', { expires_in: '-1' }, 'invalid_request'],
    ['with a fraction in expires_in', { expires_in: '1.5' }, 'invalid_request'],
    ['with an exponent in expires_in', { expires_in: '1e3' }, 'invalid_request'],
    ['with an endless expires_in', { expires_in: '9'.repeat(30) }, 'invalid_request'],
  ])('are refused %s', (_, form, error) => {
    expect(read({ ...GRANT, ...form })).toMatchObject({ error });
  });
});
