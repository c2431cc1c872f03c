/**
 * Guarantee: the control plane discharges a caveat for whoever shows what it asks for, and for nobody
 * else; a macaroon that demands a fresh discharge ends with what it hangs on within that time.
 */

import { env } from 'cloudflare:workers';
import { decodeBase64url } from '@cardea/shared/bytes/base64url';
import { encodeUtf8 } from '@cardea/shared/bytes/utf8';
import { randomBytes } from '@cardea/shared/crypto/random';
import { addThirdPartyCaveat, bindDischarge } from '@cardea/shared/macaroon/attenuate';
import { parseMacaroon } from '@cardea/shared/macaroon/codec-v2';
import type { Macaroon } from '@cardea/shared/macaroon/macaroon';
import { readMacaroonToken, writeMacaroonToken } from '@cardea/shared/macaroon/token-text';
import { beforeAll, describe, expect, test } from 'vitest';
import { makeTenant } from '../../testing/administrators.ts';
import { admin, anonymous, ISSUED, issue, outcomeOf } from '../../testing/api.ts';
import { publish } from '../../testing/hub.ts';
import { readConfig } from '../config.workers.ts';

const DISCHARGE = '/v1/discharge';
const config = readConfig(env);
let serial = 1;
const from = () => ({ 'cf-connecting-ip': `198.51.100.${serial++ % 250}` });
const post = (path: string, body: object, headers = from()) =>
  anonymous(path, { body, headers: headers as Record<string, string> });
const ask = (body: object) => post(DISCHARGE, body);
const verify = async (credential: string) => {
  const answer = await admin('/v2alpha1/admin/apiKeys:verify', { body: { credential } });
  const { is_valid: isValid, error_code: code } = await answer.json();
  return isValid ? 'valid' : code.slice('VERIFICATION_ERROR_'.length);
};

async function macaroonToken(change = {}) {
  const { secret, issued_api_key: key } = await issue({ scopes: ['a'], ...change });
  const body = { credential: secret, algorithm: 'TOKEN_ALGORITHM_MACAROON', ttl: '1h' };
  const derived = await (await admin('/v2alpha1/admin/apiKeys:derive', { body })).json();
  return { secret, keyId: key.key_id as string, token: derived.token.token as string };
}

interface MadeCaveat {
  readonly location: string;
  readonly caveat_id: string;
  readonly caveat_key: string;
}

const caveat = async (body: object): Promise<MadeCaveat> => {
  const response = await post(`${DISCHARGE}/caveats`, body);
  if (response.status !== 200) throw new Error(await outcomeOf(response));
  return response.json();
};

/** The macaroon with the caveat, as its holder adds it. */
function demanding(token: string, made: MadeCaveat): Macaroon {
  const read = readMacaroonToken(token);
  if (!read.ok) throw new Error(JSON.stringify(read.refusal));
  const added = addThirdPartyCaveat(read.value.macaroon, {
    location: made.location,
    identifier: encodeUtf8(made.caveat_id),
    caveatKey: decodeBase64url(made.caveat_key) ?? new Uint8Array(0),
    nonce: randomBytes(24),
  });
  if (!added.ok) throw new Error(JSON.stringify(added.refusal));
  return added.value;
}

function tokenOf(macaroon: Macaroon, ...discharges: readonly string[]): string {
  const bound = discharges.map((text) => {
    const discharge = parseMacaroon(decodeBase64url(text) ?? new Uint8Array(0));
    if (!discharge.ok) throw new Error(JSON.stringify(discharge.refusal));
    return bindDischarge(macaroon, discharge.value);
  });
  const text = writeMacaroonToken({ macaroon, discharges: bound });
  if (!text.ok) throw new Error(JSON.stringify(text.refusal));
  return text.value;
}

beforeAll(async () => {
  await publish();
});

describe('a caveat', () => {
  test('is made for whoever holds a macaroon, each with another key', async () => {
    const { token, keyId } = await macaroonToken();
    const [one, other] = [
      await caveat({ token, key_id: keyId }),
      await caveat({ token, key_id: keyId }),
    ];
    expect(one).toEqual({
      location: `${config.issuer}/v1/discharge`,
      caveat_id: expect.stringContaining(`"key":"${keyId}"`),
      caveat_key: expect.stringMatching(/^[\w-]{43}$/),
    });
    expect(other.caveat_key).not.toBe(one.caveat_key);
    const response = await post(`${DISCHARGE}/caveats`, { token, fresh: '60s' });
    expect(response.headers.get('cache-control')).toBe('no-store');
  });

  test.each<[string, (token: string) => object, string]>([
    ['without a token', () => ({ fresh: '60s' }), '400 bad_request'],
    ['without a condition', (token) => ({ token }), '400 bad_request'],
    ['with two', (token) => ({ token, fresh: '60s', actor_id: 'a' }), '400 bad_request'],
    ['of a key that cannot be', (token) => ({ token, key_id: 'x' }), '400 bad_request'],
    ['of nobody', (token) => ({ token, actor_id: '' }), '400 bad_request'],
    ['of no freshness', (token) => ({ token, fresh: '0s' }), '400 bad_request'],
    ['of an old freshness', (token) => ({ token, fresh: '901s' }), '400 bad_request'],
    ['of half a second', (token) => ({ token, fresh: '1.5s' }), '400 bad_request'],
    ['with a chosen key', (token) => ({ token, fresh: '9s', caveat_key: 'x' }), '400 bad_request'],
    [
      'for a changed token',
      (token) => ({ token: `${token}A`, fresh: '9s' }),
      '401 signature_invalid',
    ],
    ['for garbage', () => ({ token: 'mc_v1_AgEA', fresh: '9s' }), '401 signature_invalid'],
    ['for an API key', () => ({ token: 'ck_v1_x', fresh: '9s' }), '400 invalid_token_type'],
  ])('is refused %s', async (_, body, outcome) => {
    const { token } = await macaroonToken();
    const response = await post(`${DISCHARGE}/caveats`, body(token));
    expect(await outcomeOf(response)).toBe(outcome);
  });
});

describe('possession of a key', () => {
  test('is shown by whoever has it, and the macaroon is good with that discharge', async () => {
    const { token, keyId, secret } = await macaroonToken();
    const made = await caveat({ token, key_id: keyId });
    const macaroon = demanding(token, made);
    expect(await verify(tokenOf(macaroon))).toBe('SIGNATURE_INVALID');
    const response = await ask({ caveat_id: made.caveat_id, credential: secret, ttl: '2m' });
    const answer = await response.json();
    expect(answer).toEqual({ discharge: expect.stringMatching(/^[\w-]+$/), expires_in: 120 });
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await verify(tokenOf(macaroon, answer.discharge))).toBe('valid');
    // Unbound it is of no use, and neither is it for another macaroon with the same caveat.
    const unbound = `${tokenOf(macaroon)}.${answer.discharge}`;
    expect(await verify(unbound)).toBe('SIGNATURE_INVALID');
    const second = demanding((await macaroonToken()).token, made);
    expect(
      await verify(`${tokenOf(second)}.${tokenOf(macaroon, answer.discharge).split('.')[1]}`),
    ).toBe('SIGNATURE_INVALID');
  });

  test('of an actor takes any of his keys', async () => {
    const { token } = await macaroonToken();
    const made = await caveat({ token, actor_id: 'alice' });
    const { secret } = await issue({ actor_id: 'alice' });
    const answer = await (await ask({ caveat_id: made.caveat_id, credential: secret })).json();
    expect(answer.expires_in).toBe(300);
    expect(await verify(tokenOf(demanding(token, made), answer.discharge))).toBe('valid');
    const { secret: bobs } = await issue({ actor_id: 'bob' });
    const refused = await ask({ caveat_id: made.caveat_id, credential: bobs });
    expect(await outcomeOf(refused)).toBe('403 discharge_refused');
  });

  test('is not shown by another key, a revoked one, a token, or nothing', async () => {
    const { token, keyId, secret } = await macaroonToken();
    const { caveat_id: id } = await caveat({ token, key_id: keyId });
    const { secret: other } = await issue();
    for (const credential of [other, token, `${secret}x`, undefined]) {
      const refused = await ask({
        caveat_id: id,
        ...(credential === undefined ? {} : { credential }),
      });
      expect(await outcomeOf(refused)).toBe('403 discharge_refused');
    }
    expect((await ask({ caveat_id: id, credential: secret })).status).toBe(200);
    await admin(`${ISSUED}/${keyId}:revoke`, { body: {} });
    const refused = await ask({ caveat_id: id, credential: secret });
    expect(await outcomeOf(refused)).toBe('403 discharge_refused');
  });

  test('is asked for where an id was changed, and the discharge fits no macaroon', async () => {
    const { token, keyId } = await macaroonToken();
    const made = await caveat({ token, key_id: keyId });
    const { secret: own, issued_api_key: mine } = await issue();
    const changed = made.caveat_id.replace(keyId, mine.key_id);
    const answer = await (await ask({ caveat_id: changed, credential: own })).json();
    const macaroon = demanding(token, made);
    // Under its own name no caveat asks for it; passed off as the other one its chain is not genuine.
    expect(await verify(tokenOf(macaroon, answer.discharge))).toBe('SIGNATURE_INVALID');
    const discharge = parseMacaroon(decodeBase64url(answer.discharge) ?? new Uint8Array(0));
    if (!discharge.ok) throw new Error('The discharge is malformed.');
    const renamed = { ...discharge.value, identifier: encodeUtf8(made.caveat_id) };
    const text = writeMacaroonToken({ macaroon, discharges: [bindDischarge(macaroon, renamed)] });
    expect(await verify(text.ok ? text.value : '')).toBe('SIGNATURE_INVALID');
  });
});

describe('freshness', () => {
  test('is shown without any secret, for that token alone, until something is revoked', async () => {
    const { token, keyId } = await macaroonToken();
    const made = await caveat({ token, fresh: '60s' });
    const macaroon = demanding(token, made);
    const answer = await (await ask({ caveat_id: made.caveat_id })).json();
    expect(answer.expires_in).toBe(60);
    expect(await verify(tokenOf(macaroon, answer.discharge))).toBe('valid');
    const shorter = await (await ask({ caveat_id: made.caveat_id, ttl: '5s' })).json();
    expect(shorter.expires_in).toBe(5);
    const longer = await (await ask({ caveat_id: made.caveat_id, ttl: '600s' })).json();
    expect(longer.expires_in).toBe(60);
    // With another token it clears nothing: the discharge names its token.
    const other = await macaroonToken();
    const borrowed = demanding(other.token, made);
    expect(await verify(tokenOf(borrowed, answer.discharge))).toBe('CAVEAT_NOT_CLEARED');
    await admin(`${ISSUED}/${keyId}:disable`, { body: {} });
    const refused = await ask({ caveat_id: made.caveat_id });
    expect(await outcomeOf(refused)).toBe('403 discharge_refused');
  });

  test('of several caveats at once', async () => {
    const { token, keyId, secret } = await macaroonToken();
    const [possession, fresh] = [
      await caveat({ token, key_id: keyId }),
      await caveat({ token, fresh: '5m' }),
    ];
    const narrowed = demanding(tokenOf(demanding(token, possession)), fresh);
    const shown = await (await ask({ caveat_id: possession.caveat_id, credential: secret })).json();
    const now = await (await ask({ caveat_id: fresh.caveat_id })).json();
    expect(await verify(tokenOf(narrowed, shown.discharge, now.discharge))).toBe('valid');
    expect(await verify(tokenOf(narrowed, now.discharge))).toBe('SIGNATURE_INVALID');
  });
});

test.each<[string, (id: string) => object, string]>([
  ['without an id', () => ({}), '400 bad_request'],
  ['of an id that is none', () => ({ caveat_id: 'x' }), '400 bad_request'],
  ['of a long one', () => ({ caveat_id: 'x'.repeat(2049) }), '400 bad_request'],
  ['that would live too long', (id) => ({ caveat_id: id, ttl: '901s' }), '400 bad_request'],
  ['that would not live', (id) => ({ caveat_id: id, ttl: '0s' }), '400 bad_request'],
  ['with a key of its own', (id) => ({ caveat_id: id, key: 'x' }), '400 bad_request'],
])('a discharge is refused %s', async (_, body, outcome) => {
  const { token } = await macaroonToken();
  const { caveat_id: id } = await caveat({ token, fresh: '60s' });
  expect(await outcomeOf(await ask(body(id)))).toBe(outcome);
  expect((await ask({ caveat_id: id })).status).toBe(200);
});

test('a caveat of one tenant is unknown to another', async () => {
  const { token } = await macaroonToken();
  const { caveat_id: id } = await caveat({ token, fresh: '60s' });
  const tenantId = await makeTenant();
  const foreign = id.replace(/"nid":"[^"]*"/, `"nid":"${tenantId}"`);
  expect(foreign).not.toBe(id);
  expect(await outcomeOf(await ask({ caveat_id: foreign }))).toBe('400 bad_request');
});

test('an address is blocked after too many refusals, and then for good requests too', async () => {
  const { token, keyId, secret } = await macaroonToken();
  const { caveat_id: id } = await caveat({ token, key_id: keyId });
  const address = { 'cf-connecting-ip': '203.0.113.77' };
  const outcomes: string[] = [];
  for (let i = 0; i <= config.exchangeFailuresPerMinute; i++) {
    const body = { caveat_id: id, credential: `${secret}x` };
    outcomes.push(await outcomeOf(await post(DISCHARGE, body, address)));
  }
  expect(outcomes[0]).toBe('403 discharge_refused');
  expect(outcomes.at(-1)).toBe('429 too_many_requests');
  const good = await post(DISCHARGE, { caveat_id: id, credential: secret }, address);
  expect(good.headers.get('retry-after')).toMatch(/^[1-9]/);
  expect(await outcomeOf(good)).toBe('429 too_many_requests');
  const made = await post(`${DISCHARGE}/caveats`, { token, fresh: '9s' }, address);
  expect(await outcomeOf(made)).toBe('429 too_many_requests');
});
