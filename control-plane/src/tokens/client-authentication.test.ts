import { describe, expect, test } from 'vitest';
import { readClient } from './client-authentication.ts';

const basic = (text: string) => `Basic ${btoa(text)}`;
const read = (authorization: string | null, body: Record<string, string> = {}) =>
  readClient(authorization, new Map(Object.entries(body)));

describe('a client is read', () => {
  test.each<[string, string | null, Record<string, string>, string, string]>([
    ['from Basic', basic('id:secret'), {}, 'id', 'secret'],
    ['from Basic without a name', basic(':secret'), {}, '', 'secret'],
    ['from Basic in lower case', basic('id:secret').replace('Basic', 'basic'), {}, 'id', 'secret'],
    ['from Basic with colons in the secret', basic('id:a:b'), {}, 'id', 'a:b'],
    ['from Basic with form encoding', basic('i%3Ad:a%2Bb+c'), {}, 'i:d', 'a+b c'],
    ['from Basic and the same name in the body', basic('id:s'), { client_id: 'id' }, 'id', 's'],
    ['from Basic with its name in the body', basic(':s'), { client_id: 'id' }, 'id', 's'],
    ['from the body', null, { client_id: 'id', client_secret: 's' }, 'id', 's'],
    ['from the body without a name', null, { client_secret: 's' }, '', 's'],
  ])('%s', (_, ...[authorization, body, clientId, clientSecret]) => {
    const client = { clientId, clientSecret };
    expect(read(authorization, body)).toEqual({ outcome: 'presented', client });
  });
});

describe('a client is refused', () => {
  test.each<[string, string | null, Record<string, string>, string]>([
    ['in two ways at once', basic('id:s'), { client_secret: 's' }, 'invalid_request'],
    ['with two names', basic('id:s'), { client_id: 'other' }, 'invalid_request'],
    ['without a secret', null, { client_id: 'id' }, 'invalid_client'],
    ['with an empty secret', null, { client_id: 'id', client_secret: '' }, 'invalid_client'],
    ['with an empty secret in Basic', basic('id:'), {}, 'invalid_client'],
    ['without a colon in Basic', basic('secret'), {}, 'invalid_client'],
    ['with a broken escape in Basic', basic('id:%zz'), {}, 'invalid_client'],
    ['with Basic that is not base64', 'Basic @@', {}, 'invalid_client'],
    ['with Basic that is not UTF-8', `Basic ${btoa('\xff:\xff')}`, {}, 'invalid_client'],
    ['with another scheme', 'Bearer abc', {}, 'invalid_client'],
    ['with two spaces', `Basic  ${btoa('id:s')}`, {}, 'invalid_client'],
    ['with an empty header', '', {}, 'invalid_client'],
  ])('%s', (_, ...[authorization, body, outcome]) => {
    expect(read(authorization, body)).toEqual({ outcome });
  });
});
