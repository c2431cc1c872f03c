/** POST /v2alpha1/admin/apiKeys:derive: the matrix of the compatibility target, and what differs. */

import { env } from 'cloudflare:workers';
import { decodeBase64url } from '@cardea/shared/bytes/base64url';
import { decodeUtf8 } from '@cardea/shared/bytes/utf8';
import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import { beforeAll, describe, expect, test } from 'vitest';
import { admin, anonymous, ISSUED, issue, outcomeOf } from '../../../testing/api.ts';
import { publish, scopeIdOf } from '../../../testing/hub.ts';

const DERIVE = '/v2alpha1/admin/apiKeys:derive';
const derive = (body: Record<string, unknown>) => admin(DERIVE, { body });
const partOf = (token: string, part: number) =>
  JSON.parse(decodeUtf8(decodeBase64url(token.split('.')[part] ?? '') ?? new Uint8Array()) ?? '');
const verify = async (credential: string) =>
  (await admin('/v2alpha1/admin/apiKeys:verify', { body: { credential } })).json();

async function token(body: Record<string, unknown>): Promise<string> {
  const response = await derive(body);
  if (response.status !== 200) throw new Error(`Derive answered ${await outcomeOf(response)}.`);
  return (await response.json()).token.token;
}

let key: { secret: string; issued_api_key: { key_id: string } };

beforeAll(async () => {
  await publish();
  key = await issue({
    scopes: ['a', 'b', 'c'],
    metadata: { plan: 'x' },
    visibility: 'KEY_VISIBILITY_PUBLIC',
  });
});

describe('a derived token', () => {
  test('has the header and the claims that edges read', async () => {
    const text = await token({ credential: key.secret, ttl: '90s', custom_claims: { team: 7 } });
    const header = partOf(text, 0);
    expect(header).toEqual({ alg: 'EdDSA', kid: expect.stringMatching(/^[\w-]{43}$/), typ: 'JWT' });
    const claims = partOf(text, 1);
    expect(claims).toEqual({
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
      sub: key.issued_api_key.key_id,
      iss: env.ISSUER,
      aud: env.AUDIENCE,
      iat: expect.any(Number),
      nbf: claims.iat,
      exp: claims.iat + 90,
      nid: DEFAULT_TENANT_ID,
      act: 'alice',
      act_sid: expect.stringMatching(/^[0-9a-f]{16}$/),
      scp: ['a', 'b', 'c'],
      meta: { plan: 'x' },
      vis: 'public',
      team: 7,
    });
    expect(await verify(text)).toMatchObject({
      is_valid: true,
      key_id: key.issued_api_key.key_id,
      actor_id: 'alice',
      metadata: { plan: 'x', team: 7 },
    });
  });

  test('is answered with its end, its scopes and the claims that are not ours', async () => {
    const response = await derive({
      credential: key.secret,
      scopes: ['b'],
      custom_claims: { plan: 'mine', team: 'y' },
    });
    expect(response.headers.get('cache-control')).toBe('no-store');
    const answer = await response.json();
    const { exp } = partOf(answer.token.token, 1);
    expect(answer).toEqual({
      token: {
        token: expect.any(String),
        expire_time: new Date(exp * 1000).toISOString().replace('.000Z', 'Z'),
        scopes: ['b'],
        claims: { team: 'y', plan: 'x' }, // Who issued the key overrules who derives.
      },
    });
  });

  test('of one actor has the same actor scope id, of another another', async () => {
    const bob = await issue({ actor_id: 'bob' });
    const sid = async (secret: string) => partOf(await token({ credential: secret }), 1).act_sid;
    expect(await sid(key.secret)).toBe(await sid(key.secret));
    expect(await sid(key.secret)).not.toBe(await sid(bob.secret));
  });

  test('carries the ranges of its key', async () => {
    const ranges = ['192.0.2.0/24'];
    const { secret } = await issue({ ip_restriction: { allowed_cidrs: ranges } });
    const response = await admin(DERIVE, {
      body: { credential: secret },
      headers: { 'cf-connecting-ip': '192.0.2.9' },
    });
    expect(partOf((await response.json()).token.token, 1).acl).toEqual(ranges);
  });

  test('verifies until it ends, and from the ranges of its key only', async () => {
    const from = async (credential: string, address?: string) => {
      const headers = address === undefined ? {} : { 'cf-connecting-ip': address };
      const path = '/v2alpha1/admin/apiKeys:verify';
      return (await admin(path, { body: { credential }, headers })).json();
    };
    const ended = await from(await token({ credential: key.secret, ttl: '0s' }));
    expect(ended).toMatchObject({ is_valid: false, error_code: 'VERIFICATION_ERROR_EXPIRED' });
    const { secret } = await issue({ ip_restriction: { allowed_cidrs: ['10.0.0.0/8'] } });
    const body = { credential: secret };
    const headers = { 'cf-connecting-ip': '10.1.2.3' };
    const text = (await (await admin(DERIVE, { body, headers })).json()).token.token;
    expect(await from(text, '10.9.9.9')).toMatchObject({
      is_valid: true,
      key_id: partOf(text, 1).sub,
    });
    for (const address of ['192.0.2.1', 'nonsense', undefined]) {
      expect(await from(text, address)).toMatchObject({
        is_valid: false,
        error_code: 'VERIFICATION_ERROR_IP_NOT_ALLOWED',
      });
    }
  });

  test('carries no reserved claim of a client, and the answer names what was left out', async () => {
    const custom = { act: 'root', nid: 'x', act_sid: '0', anc: [], cnf: {}, scp: ['all'], mine: 1 };
    const response = await derive({ credential: key.secret, custom_claims: custom });
    const ignored = response.headers.get('cardea-claims-ignored');
    expect(ignored?.split(', ').sort()).toEqual(['act', 'act_sid', 'anc', 'cnf', 'nid', 'scp']);
    const claims = partOf((await response.json()).token.token, 1);
    expect(claims).toMatchObject({ act: 'alice', nid: DEFAULT_TENANT_ID, mine: 1 });
    expect(claims).not.toHaveProperty('cnf');
  });

  test.each(['TOKEN_ALGORITHM_UNSPECIFIED', 'TOKEN_ALGORITHM_JWT', 0, 1])(
    'is a JWT with algorithm %j',
    async (algorithm) => {
      expect(await token({ credential: key.secret, algorithm })).toMatch(/^eyJ/);
    },
  );
});

describe('a token derived from a token', () => {
  test('is narrower, names its ancestors and ends no later', async () => {
    const parent = await token({ credential: key.secret, scopes: ['a', 'b'], ttl: '600s' });
    const child = await token({ credential: parent, scopes: ['a'], ttl: '60s' });
    const [older, younger] = [partOf(parent, 1), partOf(child, 1)];
    expect(younger).toMatchObject({ sub: older.sub, act: 'alice', act_sid: older.act_sid });
    expect(younger.scp).toEqual(['a']);
    expect(younger.anc).toEqual([older.jti]);
    expect(younger.exp).toBeLessThanOrEqual(older.exp);
    expect(younger.meta).toEqual(older.meta);
    expect(younger.vis).toBe(older.vis);
    expect(await verify(child)).toMatchObject({ is_valid: true, scopes: ['a'] });
  });

  test('keeps the claims of its parent as they are', async () => {
    const parent = await token({
      credential: key.secret,
      ttl: '600s',
      custom_claims: { ro: true },
    });
    const response = await derive({
      ...{ credential: parent, ttl: '60s' },
      custom_claims: { ro: false, more: 1 },
    });
    expect(response.headers.get('cardea-claims-ignored')).toBe('ro');
    expect(partOf((await response.json()).token.token, 1)).toMatchObject({ ro: true, more: 1 });
  });

  test('has at most four ancestors', async () => {
    let credential = await token({ credential: key.secret, ttl: '600s' });
    for (let depth = 1; depth <= 4; depth++) {
      credential = await token({ credential, ttl: `${600 - depth}s` });
      expect(partOf(credential, 1).anc).toHaveLength(depth);
      expect((await verify(credential)).is_valid).toBe(true);
    }
    expect(await outcomeOf(await derive({ credential, ttl: '1s' }))).toBe('400 bad_request');
  });
});

const custom = (bytes: number) => ({ filler: 'x'.repeat(bytes - '{"filler":""}'.length) });

describe('deriving is refused', () => {
  const fresh = () => token({ credential: key.secret, scopes: ['a'], ttl: '600s' });

  test.each<[string, () => unknown, string]>([
    ['without a credential', () => ({}), '400 bad_request'],
    ['with an empty credential', () => ({ credential: '' }), '400 bad_request'],
    ['with garbage', () => ({ credential: 'garbage' }), '401 parent_key_invalid'],
    ['with a wrong checksum', () => ({ credential: `${key.secret}x` }), '401 parent_key_invalid'],
    ['with a macaroon', () => ({ credential: 'mc_v1_AAAA' }), '401 parent_key_invalid'],
    [
      'with a forged token',
      async () => ({ credential: forged(await fresh()) }),
      '401 parent_key_invalid',
    ],
    ['with a revoked key', async () => ({ credential: await revokedKey() }), '401 api_key_revoked'],
    [
      'with a token of a revoked key',
      async () => ({ credential: await orphan() }),
      '401 parent_key_invalid',
    ],
    [
      'with an expired key',
      async () => ({ credential: await expiredKey() }),
      '401 api_key_expired',
    ],
    [
      'with a key that excludes the address',
      async () => ({ credential: await boundKey() }),
      '401 parent_key_invalid',
    ],
    [
      'for a scope that the key lacks',
      () => ({ credential: key.secret, scopes: ['a', 'z'] }),
      '403 forbidden',
    ],
    [
      'for a scope that the token lacks',
      async () => ({ credential: await fresh(), scopes: ['b'], ttl: '1s' }),
      '403 forbidden',
    ],
    [
      'for longer than tokens live',
      () => ({ credential: key.secret, ttl: '86401s' }),
      '400 bad_request',
    ],
    [
      'for longer than its token lives',
      async () => ({ credential: await fresh(), ttl: '601s' }),
      '400 bad_request',
    ],
    [
      'for the default, where its token ends before',
      async () => ({ credential: await fresh() }),
      '400 bad_request',
    ],
    ['for a negative time', () => ({ credential: key.secret, ttl: '-1s' }), '400 bad_request'],
    ['for a time that is none', () => ({ credential: key.secret, ttl: 'soon' }), '400 bad_request'],
    [
      'by an unknown algorithm',
      () => ({ credential: key.secret, algorithm: 'HS256' }),
      '400 bad_request',
    ],
    [
      'with claims that are no object',
      () => ({ credential: key.secret, custom_claims: [1] }),
      '400 bad_request',
    ],
    [
      'with claims over 4 KB',
      () => ({ credential: key.secret, custom_claims: custom(4097) }),
      '400 bad_request',
    ],
    [
      'to a token over 8 KB',
      async () => ({ credential: await wideKey(), custom_claims: custom(4096) }),
      '400 token_too_large',
    ],
  ])('%s', async (_, body, expected) => {
    const response = await derive((await body()) as Record<string, unknown>);
    expect(await outcomeOf(response)).toBe(expected);
  });

  test('without an administrator', async () => {
    const response = await anonymous(DERIVE, { body: { credential: key.secret } });
    expect(await outcomeOf(response)).toBe('401 unauthorized');
  });

  test('never for claims of 4 KB or a ttl of 0, which are allowed', async () => {
    const body = { credential: key.secret, custom_claims: custom(4096), ttl: '0s' };
    const claims = partOf(await token(body), 1);
    expect(claims.exp).toBe(claims.iat);
  });
});

function forged(text: string): string {
  const [header, payload, signature] = text.split('.');
  const claims = { ...partOf(text, 1), scp: ['a', 'b', 'c'] };
  expect(payload).not.toBe('');
  return [header, btoa(JSON.stringify(claims)).replace(/=+$/, ''), signature].join('.');
}

async function revokedKey(): Promise<string> {
  const { secret, issued_api_key: victim } = await issue();
  await admin(`${ISSUED}/${victim.key_id}:revoke`, { body: {} });
  return secret;
}

async function orphan(): Promise<string> {
  const { secret, issued_api_key: victim } = await issue();
  const text = await token({ credential: secret });
  expect((await verify(text)).is_valid).toBe(true);
  await admin(`${ISSUED}/${victim.key_id}:revoke`, { body: {} });
  expect(await verify(text)).toMatchObject({
    is_valid: false,
    error_code: 'VERIFICATION_ERROR_REVOKED',
  });
  return text;
}

async function expiredKey(): Promise<string> {
  const { secret, issued_api_key: old } = await issue();
  const past = 'UPDATE api_keys SET expire_time_ms = create_time_ms - 1 WHERE key_id = ?';
  await env.DB.prepare(past).bind(old.key_id).run();
  return secret;
}

async function boundKey(): Promise<string> {
  return (await issue({ ip_restriction: { allowed_cidrs: ['10.0.0.0/8'] } })).secret;
}

async function wideKey(): Promise<string> {
  const scopes = Array.from({ length: 20 }, (_, i) => `${i}`.padEnd(100, 's'));
  return (await issue({ scopes })).secret;
}

describe('cut-offs', () => {
  const cutOff = async (scope: string, scopeId: string, boundSeconds: string) => {
    await env.DB.prepare(
      `INSERT INTO revocations (revocation_id, nid, scope, scope_id, bound_s, cause, created_at_s,
         expires_at_s) VALUES (?, ?, ?, ?, ${boundSeconds}, 'test', unixepoch(), unixepoch() + 60)`,
    )
      .bind(crypto.randomUUID(), DEFAULT_TENANT_ID, scope, scopeId)
      .run();
  };

  test.each(['key', 'actor'])('of the %s let no token of their own second out', async (scope) => {
    const { secret, issued_api_key: made } = await issue({ actor_id: crypto.randomUUID() });
    const before = await token({ credential: secret });
    const scopeId = scope === 'key' ? scopeIdOf(made.key_id) : partOf(before, 1).act_sid;
    await cutOff(scope, scopeId, 'unixepoch()');
    const row = 'SELECT bound_s FROM revocations WHERE scope_id = ?';
    const cut = await env.DB.prepare(row).bind(scopeId).first<{ bound_s: number }>();
    if (cut === null) throw new Error('The cut-off is not there.');
    const after = await token({ credential: secret });
    expect(partOf(after, 1).iat).toBeGreaterThan(cut.bound_s);
    expect((await verify(before)).is_valid).toBe(false);
    expect((await verify(after)).is_valid).toBe(true);
  });

  test('of a parent token are not escaped by its younger child', async () => {
    const { secret, issued_api_key: made } = await issue();
    const parent = await token({ credential: secret, ttl: '600s' });
    const child = await token({ credential: parent, ttl: '60s' });
    await cutOff('token', scopeIdOf(partOf(parent, 1).jti), '4294967295');
    expect((await verify(parent)).is_valid).toBe(false);
    expect((await verify(child)).is_valid).toBe(false);
    const again = await derive({ credential: parent, ttl: '60s' });
    expect(await outcomeOf(again)).toBe('401 parent_key_invalid');
    expect((await verify(secret)).is_valid).toBe(true);
    expect(made.key_id).not.toBe('');
  });

  test('that lie far ahead make deriving wait for better times', async () => {
    const { secret, issued_api_key: made } = await issue();
    await cutOff('key', scopeIdOf(made.key_id), 'unixepoch() + 1000');
    const response = await derive({ credential: secret });
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await outcomeOf(response)).toBe('503 service_unavailable');
  });

  test('of everything refuse what is out and let new tokens pass', async () => {
    const before = await token({ credential: key.secret });
    await cutOff('everything', '0000000000000000', 'unixepoch()');
    expect((await verify(before)).is_valid).toBe(false);
    expect((await verify(await token({ credential: key.secret }))).is_valid).toBe(true);
  });
});

describe('deriving against revoking, eight ways at once', () => {
  test('no token read before or after the commit verifies after it', async () => {
    for (let round = 0; round < 5; round++) {
      const { secret, issued_api_key: made } = await issue();
      const derivations = Array.from({ length: 8 }, () => derive({ credential: secret }));
      const revocation = admin(`${ISSUED}/${made.key_id}:revoke`, { body: {} });
      const late = Array.from({ length: 8 }, () => derive({ credential: secret }));
      expect([202, 204]).toContain((await revocation).status);
      const responses = await Promise.all([...derivations, ...late]);
      for (const response of responses) {
        if (response.status !== 200) {
          expect(await outcomeOf(response)).toBe('401 api_key_revoked');
          continue;
        }
        const { token: minted } = await response.json();
        expect((await verify(minted.token)).is_valid).toBe(false);
      }
      const after = await derive({ credential: secret });
      expect(await outcomeOf(after)).toBe('401 api_key_revoked');
    }
  });
});
