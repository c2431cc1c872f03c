/** Guarantee: the issuer's keys come from the one configured place, bounded, and not too often. */

import { unixMilliseconds } from '@cardea/shared/time';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { jwksOf, makeIssuerKey, serve, timesAsked } from '../../testing/issuer.ts';
import { type IssuerServer, startIssuerServer } from '../../testing/issuer-server.ts';
import { JWKS_BYTES_MAX, JWKS_KEYS_MAX } from '../limits.ts';
import { fetchJwks } from './fetch-jwks.ts';
import {
  COOLDOWN_MILLISECONDS,
  createIssuerKeys,
  KEYS_FRESH_MILLISECONDS,
  KEYS_USED_MILLISECONDS_MAX,
  RETRY_MILLISECONDS,
} from './issuer-keys.ts';

let server: IssuerServer;
beforeAll(async () => {
  server = await startIssuerServer();
});
afterAll(() => server.close());

const [one, two] = [await makeIssuerKey('EdDSA', 'one'), await makeIssuerKey('ES256', 'two')];
let documents = 0;

/** An issuer of its own with keys that are asked for as the clock says. */
async function issuer(document: unknown = jwksOf(one)) {
  const url = `${server.url}/${++documents}`;
  await serve(url, document);
  const clock = { at: 1_000_000_000_000, now: () => unixMilliseconds(clock.at) };
  const logged: string[] = [];
  const keys = createIssuerKeys({
    ...{ jwksUrl: url, fetchJwks, clock },
    log: (_level, event) => logged.push(event),
  });
  const find = async (kid: string) => (await keys.find(kid)).outcome;
  return { url, clock, find, logged, keys };
}

describe('keys are', () => {
  test('read once and found by their ids', async () => {
    const { find, url } = await issuer(jwksOf(one, two));
    expect([await find('one'), await find('two'), await find('one')]).toEqual([
      ...['found', 'found', 'found'],
    ]);
    expect(await timesAsked(url)).toBe(1);
  });

  test('asked for again for an unknown id, but not more often than the cooldown says', async () => {
    const { clock, find, url } = await issuer();
    expect(await find('one')).toBe('found');
    for (let i = 0; i < 20; i++) expect(await find(`forged-${i}`)).toBe('unknown');
    expect(await timesAsked(url)).toBe(1);
    clock.at += COOLDOWN_MILLISECONDS;
    await serve(url, jwksOf(one, two));
    expect([await find('two'), await find('forged')]).toEqual(['found', 'unknown']);
    expect(await timesAsked(url)).toBe(1); // Counted anew since the document was put there.
  });

  test('forgotten when the issuer has withdrawn them', async () => {
    const { clock, find, url } = await issuer(jwksOf(one, two));
    expect(await find('one')).toBe('found');
    await serve(url, jwksOf(two));
    clock.at += KEYS_FRESH_MILLISECONDS - 1;
    expect(await find('one')).toBe('found');
    clock.at += 1;
    expect(await find('one')).toBe('unknown');
  });

  test('used on for an hour while the issuer is away, and then no more', async () => {
    const { clock, find, logged, url } = await issuer();
    expect(await find('one')).toBe('found');
    await serve(url, 'down', { 'x-status': '503' });
    clock.at += KEYS_FRESH_MILLISECONDS;
    expect(await find('one')).toBe('found');
    expect(logged).toContain('admin_jwks_unavailable');
    clock.at += KEYS_USED_MILLISECONDS_MAX - KEYS_FRESH_MILLISECONDS;
    expect(await find('one')).toBe('unavailable');
    await serve(url, jwksOf(one));
    expect(await find('one')).toBe('unavailable'); // It was asked a moment ago.
    clock.at += RETRY_MILLISECONDS;
    expect(await find('one')).toBe('found');
  });

  test('not trusted for longer because the clock went back', async () => {
    const { clock, find, url } = await issuer();
    expect(await find('one')).toBe('found');
    await serve(url, jwksOf(two));
    clock.at -= 1;
    expect(await find('one')).toBe('unknown');
  });

  test('read by each of the requests that come at the same moment, none waiting for another', async () => {
    const { find } = await issuer();
    const found = await Promise.all(Array.from({ length: 5 }, () => find('one')));
    expect(found).toEqual(Array(5).fill('found'));
  });

  test('left out if they are no keys to verify with', async () => {
    const rsa = { kty: 'RSA', kid: 'short', n: 'AQAB', e: 'AQAB' };
    const { find } = await issuer({
      keys: [
        ...[null, 'x', [], rsa, { ...one.jwk, kid: 'enc', use: 'enc' }, { ...one.jwk, kid: '' }],
        { ...one.jwk, kid: 'private', d: 'AAAA' },
        { ...one.jwk, kid: 'small', x: 'AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' },
        { ...one.jwk, kid: 'other', alg: 'HS256' },
        { kty: 'oct', kid: 'shared', k: 'AAAA' },
        one.jwk,
      ],
    });
    expect(await find('one')).toBe('found');
    for (const kid of ['short', 'enc', '', 'private', 'small', 'other', 'shared']) {
      expect([kid, await find(kid)]).toEqual([kid, 'unknown']);
    }
  });

  test('bound to the first of two with one id', async () => {
    const { keys } = await issuer(jwksOf(one, { ...two, jwk: { ...two.jwk, kid: 'one' } }));
    expect(await keys.find('one')).toMatchObject({ key: { algorithm: 'EdDSA' } });
  });
});

describe('a document is refused', () => {
  test.each<[string, unknown]>([
    ['that is no JSON', '<html>'],
    ['without keys', {}],
    ['whose keys are an object', { keys: { one: one.jwk } }],
    ['with too many keys', { keys: Array(JWKS_KEYS_MAX + 1).fill(one.jwk) }],
    ['with a member twice', `{"keys":[],"keys":[${JSON.stringify(one.jwk)}]}`],
    ['that is too large', { keys: [one.jwk], padding: 'x'.repeat(JWKS_BYTES_MAX) }],
    ['that is too deep', `{"keys":[],"x":${'['.repeat(40)}${']'.repeat(40)}}`],
  ])('%s', async (_, document) => {
    const { find, logged } = await issuer(document);
    expect(await find('one')).toBe('unavailable');
    expect(logged).toEqual(['admin_jwks_unavailable']);
    expect(await find('one')).toBe('unavailable'); // Not asked again at once.
    expect(logged).toHaveLength(1);
  });

  test.each(['201', '204', '301', '302', '307', '401', '404', '500'])(
    'that comes with status %s; no redirect is followed',
    async (status) => {
      const { find, url } = await issuer();
      const elsewhere = `${server.url}/elsewhere-${status}`;
      await serve(elsewhere, jwksOf(one));
      await serve(url, jwksOf(one), { 'x-status': status, 'x-location': elsewhere });
      expect(await find('one')).toBe('unavailable');
      expect(await timesAsked(elsewhere)).toBe(0);
    },
  );

  test('that does not come in time, or from nowhere', { timeout: 20_000 }, async () => {
    await expect(fetchJwks(`${server.url}/hang`)).rejects.toThrow();
    await expect(fetchJwks('http://127.0.0.1:9/jwks.json')).rejects.toThrow();
  });
});
