/**
 * Guarantee: a macaroon is what a JWT of the same key would be, narrows for good, ends with what it
 * hangs on; and an edge's keys mint for nothing but what the edge is registered for.
 */

import { env } from 'cloudflare:workers';
import { decodeBase64url } from '@cardea/shared/bytes/base64url';
import { encodeUtf8 } from '@cardea/shared/bytes/utf8';
import { randomBytes } from '@cardea/shared/crypto/random';
import {
  type FeedMacaroonKey,
  importEdgeSealingKey,
  openMacaroonKeys,
} from '@cardea/shared/feed/sealed-key';
import { addThirdPartyCaveat, attenuateToken } from '@cardea/shared/macaroon/attenuate';
import { encodeBaseGrant } from '@cardea/shared/macaroon/grant';
import { encodeIdentifier, parseIdentifier } from '@cardea/shared/macaroon/identifier';
import { mintMacaroon } from '@cardea/shared/macaroon/mint';
import { readMacaroonToken, writeMacaroonToken } from '@cardea/shared/macaroon/token-text';
import { verifyMacaroonToken } from '@cardea/shared/macaroon/verify-token';
import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import { unixMilliseconds } from '@cardea/shared/time';
import { beforeAll, describe, expect, test } from 'vitest';
import { makeTenant } from '../../testing/administrators.ts';
import { admin, anonymous, ISSUED, issue, outcomeOf } from '../../testing/api.ts';
import { publish } from '../../testing/hub.ts';
import { readConfig } from '../config.workers.ts';
import { createD1Stores } from '../database/stores.d1.ts';
import { edgeRootReader } from '../edges/edge-secret.ts';
import { deriveMasterKeys } from '../master-keys.ts';
import { defaultTenant } from '../tenants/tenant.ts';
import { macaroonKeyTimes } from './macaroon-key.ts';
import { macaroonRootReader } from './macaroon-root.ts';
import { createKeySealer } from './sealed-keys.ts';

const config = readConfig(env);
const stores = createD1Stores(env.DB);
const own = defaultTenant(config);
const OTHER_AUDIENCE = 'https://other-api.example';
const MACAROON_TYPE = 'urn:cardea:params:oauth:token-type:macaroon';
const JWT_TYPE = 'urn:ietf:params:oauth:token-type:jwt';
const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const MACAROON = { algorithm: 'TOKEN_ALGORITHM_MACAROON' };

let serial = 1;
const from = () => ({ 'cf-connecting-ip': `198.51.100.${serial++ % 250}` });
const derive = (body: object, address = '192.0.2.1') =>
  admin('/v2alpha1/admin/apiKeys:derive', { body, headers: { 'cf-connecting-ip': address } });
const derived = async (body: object) => {
  const response = await derive({ ...MACAROON, ...body });
  if (response.status !== 200) throw new Error(await outcomeOf(response));
  return (await response.json()).token;
};
const verify = async (credential: string, address = '192.0.2.1') => {
  const headers = { 'cf-connecting-ip': address };
  const body = { credential };
  return (await admin('/v2alpha1/admin/apiKeys:verify', { body, headers })).json();
};
const exchange = (form: Record<string, string>, headers: Record<string, string> = {}) =>
  anonymous('/oauth2/token', {
    method: 'POST',
    headers: { ...from(), 'Content-Type': 'application/x-www-form-urlencoded', ...headers },
    body: String(new URLSearchParams(form)),
  });
const errorOf = async (response: Response) => `${response.status} ${(await response.json()).error}`;
const key = (change = {}) => issue({ scopes: ['a', 'b', 'c'], metadata: { plan: 'x' }, ...change });

function narrowed(token: string, ...caveats: string[]): string {
  const text = attenuateToken(token, caveats);
  if (!text.ok) throw new Error(JSON.stringify(text.refusal));
  return text.value;
}

function macaroonOf(token: string) {
  const read = readMacaroonToken(token);
  if (!read.ok) throw new Error(JSON.stringify(read.refusal));
  return read.value.macaroon;
}
const caveatsOf = (token: string) =>
  macaroonOf(token).caveats.map(({ identifier }) => new TextDecoder().decode(identifier));
const claimsOf = (token: string) => JSON.parse(caveatsOf(token)[0] ?? '');
const kidOf = (token: string) => {
  const identifier = parseIdentifier(macaroonOf(token).identifier);
  return identifier.ok ? identifier.value.kid : '';
};
const jwtClaimsOf = (token: string) =>
  JSON.parse(atob((token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/')));

interface Edge {
  readonly edge: { readonly edge_id: string };
  readonly secret: string;
}
const register = async (change = {}): Promise<Edge> => {
  const name = `edge-${++serial}`;
  const body = { name, tenants: [DEFAULT_TENANT_ID], audiences: [own.audience], ...change };
  return (await admin('/v1/admin/edges', { body })).json();
};

/** What the edge has opened of the feed. */
async function keysOf({ edge, secret }: Edge): Promise<ReadonlyMap<string, FeedMacaroonKey>> {
  const { keyEncryption } = await deriveMasterKeys(config);
  const secrets = { store: stores.secrets, keyEncryption, randomBytes };
  const seal = createKeySealer({
    ...{ edges: stores.edges, replacedKeys: stores.replacedKeys },
    clock: { now: () => unixMilliseconds(Date.now()) },
    root: macaroonRootReader(secrets),
    edgeRoot: edgeRootReader(secrets),
    environmentId: config.environmentId,
    times: macaroonKeyTimes(config),
  });
  const sealed = await seal([own], async () => new Set());
  const raw = decodeBase64url(secret) ?? new Uint8Array(0);
  const sealingKey = await importEdgeSealingKey(raw, ['decrypt']);
  const { environmentId } = config;
  const identity = { environmentId, edgeId: edge.edge_id, sealingKey };
  return (await openMacaroonKeys(identity, sealed)).macaroonKeys;
}

function verifiedAtEdge(token: string, keys: ReadonlyMap<string, FeedMacaroonKey>) {
  const { issuer, audience, tenantId } = own;
  const limits = { lifetimeSecondsMax: 86_400, clockSkewSeconds: 60 };
  const policy = { issuer, audience, tenantId, ...limits };
  return verifyMacaroonToken(token, {
    keys,
    policy,
    nowSeconds: Math.floor(Date.now() / 1000) as never,
  });
}

beforeAll(async () => {
  await publish();
});

describe('deriving a macaroon', () => {
  test('answers a token that an edge verifies with its keys alone', async () => {
    const edge = await register();
    const { secret, issued_api_key: made } = await key();
    const token = await derived({
      credential: secret,
      ttl: '10m',
      custom_claims: { x: 1, act: 'me' },
    });
    expect(token).toEqual({
      token: expect.stringMatching(/^mc_v1_[\w-]+$/),
      expire_time: expect.stringMatching(/Z$/),
      ...{ scopes: ['a', 'b', 'c'], claims: { x: 1, plan: 'x' } },
    });
    const verified = verifiedAtEdge(token.token, await keysOf(edge));
    expect(verified).toMatchObject({ ok: true });
    expect(claimsOf(token.token)).toMatchObject({
      ...{ sub: made.key_id, iss: own.issuer, aud: own.audience, nid: own.tenantId },
      ...{ act: 'alice', scp: ['a', 'b', 'c'], meta: { plan: 'x' }, x: 1 },
    });
    expect(caveatsOf(token.token)).toHaveLength(1);
    expect(macaroonOf(token.token).location).toBe(own.issuer);
    // As protojson has it, a number means the same.
    const { token: byNumber } = await (await derive({ algorithm: 2, credential: secret })).json();
    expect(byNumber.token).toMatch(/^mc_v1_/);
  });

  test('for an audience needs an edge that is registered for it', async () => {
    const { secret } = await key();
    const ask = (body: object) => derive({ ...MACAROON, credential: secret, ...body });
    const refused = await ask({ audience: OTHER_AUDIENCE });
    expect(await outcomeOf(refused)).toBe('400 bad_request');
    const edge = await register({ audiences: [OTHER_AUDIENCE] });
    await new Promise((resolve) => setTimeout(resolve, 5100)); // So long it is remembered.
    const token = await derived({ credential: secret, audience: OTHER_AUDIENCE });
    expect(claimsOf(token.token).aud).toBe(OTHER_AUDIENCE);
    expect([...(await keysOf(edge)).keys()]).toContain(kidOf(token.token));
    expect((await verify(token.token)).is_valid).toBe(true);
    const jwt = await derive({ credential: secret, audience: OTHER_AUDIENCE });
    expect(await outcomeOf(jwt)).toBe('400 bad_request');
    // What is derived from it is for the same audience, and for no other.
    const child = await derived({ credential: token.token, ttl: '1m' });
    expect(claimsOf(child.token).aud).toBe(OTHER_AUDIENCE);
    for (const body of [{ ...MACAROON, audience: own.audience }, { audience: own.audience }, {}]) {
      const wider = await derive({ credential: token.token, ttl: '1m', ...body });
      expect(await outcomeOf(wider)).toBe('400 bad_request');
    }
  }, 15_000);

  test('keeps the rules that hold for JWTs', async () => {
    const { secret } = await key();
    const refused = async (body: object) =>
      outcomeOf(await derive({ ...MACAROON, credential: secret, ...body }));
    expect(await refused({ scopes: ['d'] })).toBe('403 forbidden');
    expect(await refused({ ttl: '25h' })).toBe('400 bad_request');
    const large = { custom_claims: { x: 'y'.repeat(4000) }, credential: undefined };
    const { secret: heavy } = await key({ metadata: { x: 'y'.repeat(4000) } });
    expect(await refused({ ...large, credential: heavy })).toBe('400 token_too_large');
    expect(await refused({ credential: 'unknown' })).toBe('401 parent_key_invalid');
    const unknown = await derive({ algorithm: 'TOKEN_ALGORITHM_X', credential: secret });
    expect(await outcomeOf(unknown)).toBe('400 bad_request');
  });

  test('shows nothing of it in the JWKS, and nothing else of its keys anywhere', async () => {
    const { secret } = await key();
    const { token } = await derived({ credential: secret });
    const jwks = JSON.stringify(await (await anonymous('/v2alpha1/derivedKeys/jwks.json')).json());
    expect(jwks).not.toContain('mk_');
    expect(jwks).not.toContain(kidOf(token));
    const listed = await (await admin('/v1/admin/signingKeys')).text();
    expect(listed).not.toContain('mk_');
  });

  test('ends itself no more than a JWT does', async () => {
    const { secret } = await key();
    const { token } = await derived({ credential: secret });
    const body = { credential: token };
    const refused = await anonymous('/v2alpha1/apiKeys:selfRevoke', { body });
    expect(await outcomeOf(refused)).toBe('400 derived_token_not_revocable');
  });
});

describe('verifying a macaroon', () => {
  test('answers what is left of it', async () => {
    const { secret, issued_api_key: made } = await key();
    const { token, expire_time: end } = await derived({ credential: secret, ttl: '10m' });
    expect(await verify(token)).toMatchObject({
      ...{ is_valid: true, key_id: made.key_id, actor_id: 'alice', scopes: ['a', 'b', 'c'] },
      ...{ metadata: { plan: 'x' }, expire_time: end, status: 'KEY_STATUS_ACTIVE' },
    });
    const time = new Date(Math.floor(Date.now() / 1000) * 1000 + 60_000).toISOString();
    const soon = time.replace('.000Z', 'Z');
    const less = narrowed(token, 'scope in a b', 'scope in b c', `time < ${soon}`, 'actor = alice');
    expect(await verify(less)).toMatchObject({ is_valid: true, scopes: ['b'], expire_time: soon });
    const batch = await admin('/v2alpha1/admin/apiKeys:batchVerify', {
      body: {
        requests: [{ credential: less }, { credential: `${less}A` }, { credential: secret }],
      },
    });
    const { results } = await batch.json();
    expect(results.map(({ is_valid: isValid }: { is_valid: boolean }) => isValid)).toEqual([
      ...[true, false, true],
    ]);
  });

  test.each([
    ['a method', ['method in GET'], 'CAVEAT_NOT_CLEARED'],
    ['a path', ['path in /x'], 'CAVEAT_NOT_CLEARED'],
    ['a host', ['host in api.example'], 'CAVEAT_NOT_CLEARED'],
    ['a tool', ['tool in search'], 'CAVEAT_NOT_CLEARED'],
    ['a checker', ['ext:a = b'], 'CAVEAT_NOT_CLEARED'],
    ['another actor', ['actor = bob'], 'CAVEAT_NOT_CLEARED'],
    ['a number of uses', ['max_uses = 1'], 'CAVEAT_NOT_CLEARED'],
    ['another address', ['ip in 203.0.113.0/24'], 'IP_NOT_ALLOWED'],
    ['a time that is over', ['time < 2020-01-01T00:00:00Z'], 'EXPIRED'],
    ['another audience', ['audience = x'], 'SIGNATURE_INVALID'],
    ['another tenant', ['tenant = x'], 'NOT_FOUND'],
  ])('refuses what asks for %s', async (_, caveats, code) => {
    const { secret } = await key();
    const { token } = await derived({ credential: secret });
    const refused = await verify(narrowed(token, ...caveats));
    expect(refused).toMatchObject({ is_valid: false, error_code: `VERIFICATION_ERROR_${code}` });
  });

  test('looks at the address of a caveat and of the key', async () => {
    const { secret } = await key({ ip_restriction: { allowed_cidrs: ['192.0.2.0/24'] } });
    const { token } = await derived({ credential: secret });
    const less = narrowed(token, 'ip in 192.0.2.8/29 203.0.113.0/24');
    expect((await verify(less, '192.0.2.9')).is_valid).toBe(true);
    for (const address of ['192.0.2.1', '203.0.113.1']) {
      const { error_code: code } = await verify(less, address);
      expect([address, code]).toEqual([address, 'VERIFICATION_ERROR_IP_NOT_ALLOWED']);
    }
  });

  test('an unknown caveat, a missing discharge, a byte that was changed', async () => {
    const { secret } = await key();
    const { token } = await derived({ credential: secret });
    const codeOf = async (text: string) => (await verify(text)).error_code;
    const macaroon = macaroonOf(token);
    const third = addThirdPartyCaveat(macaroon, {
      ...{ identifier: encodeUtf8('x'), caveatKey: randomBytes(32), nonce: randomBytes(24) },
    });
    if (!third.ok) throw new Error('The caveat was refused.');
    const open = writeMacaroonToken({ macaroon: third.value, discharges: [] });
    expect(await codeOf(open.ok ? open.value : '')).toBe('VERIFICATION_ERROR_SIGNATURE_INVALID');
    const forged = mintMacaroon({
      rootKey: randomBytes(32),
      identifier: macaroon.identifier,
      firstPartyCaveats: macaroon.caveats.map(({ identifier }) => identifier),
    });
    const text = writeMacaroonToken({
      macaroon: { ...forged, location: own.issuer },
      discharges: [],
    });
    expect(await codeOf(text.ok ? text.value : '')).toBe('VERIFICATION_ERROR_SIGNATURE_INVALID');
    expect(await codeOf('mc_v1_AgEA')).toBe('VERIFICATION_ERROR_SIGNATURE_INVALID');
    expect((await verify(token)).is_valid).toBe(true);
  });

  test('is refused with its key, and after that nothing is derived from it', async () => {
    const { secret, issued_api_key: made } = await key();
    const { token } = await derived({ credential: secret });
    const less = narrowed(token, 'scope in a');
    await admin(`${ISSUED}/${made.key_id}:revoke`, { body: {} });
    for (const text of [token, less]) {
      expect((await verify(text)).error_code).toBe('VERIFICATION_ERROR_REVOKED');
      const refused = await derive({ ...MACAROON, credential: text, ttl: '1m' });
      expect(await outcomeOf(refused)).toBe('401 parent_key_invalid');
    }
  });
});

describe('deriving from a macaroon', () => {
  test('carries on what its holder has added, and the ids of those before', async () => {
    const { secret } = await key();
    const { token } = await derived({ credential: secret, ttl: '10m' });
    const added = ['path in /orders/*', 'scope in a b', 'tool in search'];
    const child = await derived({ credential: narrowed(token, ...added), ttl: '1m' });
    expect(child.scopes).toEqual(['a', 'b']);
    expect(caveatsOf(child.token).slice(1)).toEqual(added);
    const [parent, claims] = [claimsOf(token), claimsOf(child.token)];
    expect(claims).toMatchObject({ sub: parent.sub, anc: [parent.jti], scp: ['a', 'b'] });
    expect(claims.exp).toBeLessThanOrEqual(parent.exp);
    const grandchild = await derived({ credential: child.token, ttl: '30s', scopes: ['b'] });
    expect(claimsOf(grandchild.token).anc).toEqual([parent.jti, claims.jti]);
    expect(caveatsOf(grandchild.token).slice(1)).toEqual(added);
    const wider = await derive({ ...MACAROON, credential: child.token, ttl: '30s', scopes: ['c'] });
    expect(await outcomeOf(wider)).toBe('403 forbidden');
    const longer = await derive({ ...MACAROON, credential: child.token, ttl: '2m' });
    expect(await outcomeOf(longer)).toBe('400 bad_request');
  });

  test('a JWT has what a JWT can say, and there is none for the rest', async () => {
    const { secret } = await key();
    const { token } = await derived({ credential: secret, ttl: '10m' });
    const less = narrowed(token, 'scope in a', 'ip in 192.0.2.0/24');
    const response = await derive({ credential: less, ttl: '1m' });
    const { token: jwt } = await response.json();
    expect(jwtClaimsOf(jwt.token)).toMatchObject({
      ...{ scp: ['a'], acl: ['192.0.2.0/24'], anc: [claimsOf(token).jti] },
    });
    const refused = await derive({ credential: narrowed(less, 'path in /x'), ttl: '1m' });
    const { error } = await refused.json();
    expect([refused.status, error.details[0].reason]).toEqual([400, 'CAVEAT_NOT_EXPRESSIBLE']);
    expect(error.details[0].metadata).toEqual({ caveat: 'paths' });
  });

  test('and back: a macaroon from a JWT is no wider', async () => {
    const { secret } = await key();
    const jwt = (await (await derive({ credential: secret, ttl: '5m', scopes: ['a'] })).json())
      .token;
    const { token } = await derived({ credential: jwt.token, ttl: '1m' });
    expect(claimsOf(token)).toMatchObject({ scp: ['a'], anc: [jwtClaimsOf(jwt.token).jti] });
    const wider = await derive({ ...MACAROON, credential: jwt.token, ttl: '1m', scopes: ['b'] });
    expect(await outcomeOf(wider)).toBe('403 forbidden');
  });
});

describe('a client', () => {
  test('gets a macaroon for its key where it asks for one', async () => {
    const { secret } = await key();
    const grant = { grant_type: 'client_credentials', client_secret: secret };
    const answer = await (await exchange({ ...grant, requested_token_type: MACAROON_TYPE })).json();
    expect(answer).toEqual({
      access_token: expect.stringMatching(/^mc_v1_/),
      ...{ issued_token_type: MACAROON_TYPE, token_type: 'Bearer', expires_in: 3600 },
      scope: 'a b c',
    });
    expect((await verify(answer.access_token)).is_valid).toBe(true);
    const elsewhere = { ...grant, requested_token_type: MACAROON_TYPE, audience: 'https://x' };
    expect(await errorOf(await exchange(elsewhere))).toBe('400 invalid_target');
    expect(await errorOf(await exchange({ ...grant, audience: 'https://x' }))).toBe(
      '400 invalid_target',
    );
    expect((await exchange({ ...grant, audience: own.audience })).status).toBe(200);
  });

  test('narrows a token online without its key, in either form', async () => {
    const { secret } = await key();
    const { token } = await derived({ credential: secret, ttl: '10m' });
    const subject = {
      subject_token: narrowed(token, 'path in /x'),
      subject_token_type: MACAROON_TYPE,
    };
    const grant = { grant_type: TOKEN_EXCHANGE, ...subject };
    const answer = await (await exchange({ ...grant, scope: 'a', expires_in: '30' })).json();
    expect(answer).toMatchObject({ issued_token_type: MACAROON_TYPE, expires_in: 30, scope: 'a' });
    expect(caveatsOf(answer.access_token).slice(1)).toEqual(['path in /x']);
    // The default lifetime is shortened to what is left.
    const rest = await (await exchange(grant)).json();
    expect(rest.expires_in).toBeLessThanOrEqual(600);
    const plain = { ...grant, subject_token: token, requested_token_type: JWT_TYPE };
    const jwt = await (await exchange(plain)).json();
    expect(jwt).toMatchObject({ issued_token_type: JWT_TYPE, scope: 'a b c' });
    const again = { grant_type: TOKEN_EXCHANGE, subject_token: jwt.access_token };
    const back = await exchange({ ...again, subject_token_type: JWT_TYPE, scope: 'b' });
    expect(jwtClaimsOf((await back.json()).access_token)).toMatchObject({ scp: ['b'] });
  });

  test.each<[string, (token: string) => Record<string, string>, string]>([
    ['for a wider scope', () => ({ scope: 'z' }), '400 invalid_scope'],
    ['for a longer life', () => ({ expires_in: '3600' }), '400 invalid_request'],
    ['for another audience', () => ({ audience: 'https://x' }), '400 invalid_target'],
    ['of a changed token', (token) => ({ subject_token: `${token}A` }), '400 invalid_request'],
    [
      'for a JWT that could not say it',
      (token) => ({
        subject_token: narrowed(token, 'method in GET'),
        requested_token_type: JWT_TYPE,
      }),
      '400 invalid_request',
    ],
    ['with an API key beside', () => ({ client_secret: 'x' }), '400 invalid_request'],
    [
      'for another address',
      (token) => ({ subject_token: narrowed(token, 'ip in 10.0.0.0/8') }),
      '400 unauthorized_client',
    ],
  ])('is refused an exchange %s', async (_, change, error) => {
    const { secret } = await key();
    const { token } = await derived({ credential: secret, ttl: '10m' });
    const subject = { subject_token: token, subject_token_type: MACAROON_TYPE };
    const form = { grant_type: TOKEN_EXCHANGE, ...subject, ...change(token) };
    expect(await errorOf(await exchange(form))).toBe(error);
    const basic = { Authorization: `Basic ${btoa('a:b')}` };
    const good = { grant_type: TOKEN_EXCHANGE, ...subject };
    expect(await errorOf(await exchange(good, basic))).toBe('400 invalid_request');
    expect((await exchange(good)).status).toBe(200);
  });

  test('is blocked after too many bad tokens from its address', async () => {
    const { secret } = await key();
    const { token } = await derived({ credential: secret, ttl: '10m' });
    const address = { 'cf-connecting-ip': '203.0.113.99' };
    const bad = { grant_type: TOKEN_EXCHANGE, subject_token_type: MACAROON_TYPE };
    const outcomes: string[] = [];
    for (let i = 0; i < config.exchangeFailuresPerMinute + 1; i++) {
      outcomes.push(await errorOf(await exchange({ ...bad, subject_token: `${token}A` }, address)));
    }
    expect(outcomes[0]).toBe('400 invalid_request');
    expect(outcomes.at(-1)).toBe('429 temporarily_unavailable');
    const good = await exchange({ ...bad, subject_token: token }, address);
    expect(good.status).toBe(429);
  });
});

describe('the keys of an edge', () => {
  test('are named to whoever must revoke them, and not shown', async () => {
    const edge = await register();
    const { secret } = await key();
    const { token } = await derived({ credential: secret });
    const shown = await (await admin(`/v1/admin/edges/${edge.edge.edge_id}`)).json();
    const opened = [...(await keysOf(edge)).values()];
    expect(shown.keys.map(({ kid }: { kid: string }) => kid).sort()).toEqual(
      opened.map(({ kid }) => kid).sort(),
    );
    const [named] = shown.keys.filter(({ kid }: { kid: string }) => kid === kidOf(token));
    expect(named).toEqual({
      ...{ kid: kidOf(token), tenant_id: own.tenantId, audience: own.audience },
      not_before_time: expect.stringMatching(/Z$/),
      not_after_time: expect.stringMatching(/Z$/),
    });
  });

  /** Whoever broke into the edge mints with what he has found there. */
  function forge(
    stolen: FeedMacaroonKey,
    claims: Record<string, unknown>,
    kid = stolen.kid,
  ): string {
    const tokenId = crypto.randomUUID();
    const macaroon = mintMacaroon({
      rootKey: stolen.rootKey,
      location: String(claims.iss),
      identifier: encodeIdentifier({ tokenId, kid }),
      firstPartyCaveats: [encodeBaseGrant({ ...claims, jti: tokenId } as never)],
    });
    const text = writeMacaroonToken({ macaroon, discharges: [] });
    if (!text.ok) throw new Error('The forgery is too large.');
    return text.value;
  }

  test('mint for its audience, and for no other audience, tenant or epoch', async () => {
    const edge = await register();
    const { secret } = await key();
    const { token } = await derived({ credential: secret });
    const stolen = (await keysOf(edge)).get(kidOf(token));
    if (stolen === undefined) throw new Error('The edge lacks the key.');
    const claims = claimsOf(token);
    const codeOf = async (text: string) => {
      const { is_valid: isValid, error_code: code } = await verify(text);
      return isValid ? 'valid' : code.slice('VERIFICATION_ERROR_'.length);
    };
    // What the documentation says it could do: the positive control of the refusals below.
    expect(await codeOf(forge(stolen, { ...claims, scp: ['a', 'z'] }))).toBe('valid');

    const register2 = await register({ audiences: [OTHER_AUDIENCE] });
    const [foreign] = (await keysOf(register2)).values();
    const elsewhere = { ...claims, aud: OTHER_AUDIENCE };
    expect(await codeOf(forge(stolen, elsewhere))).toBe('SIGNATURE_INVALID');
    expect(await codeOf(forge(stolen, elsewhere, foreign?.kid))).toBe('SIGNATURE_INVALID');
    const tenantId = await makeTenant();
    expect(await codeOf(forge(stolen, { ...claims, nid: tenantId }))).toBe('NOT_FOUND');
    const asTenant = await admin('/v2alpha1/admin/apiKeys:verify', {
      body: { credential: forge(stolen, { ...claims, nid: tenantId }) },
      headers: { 'Cardea-Tenant': tenantId },
    });
    expect((await asTenant.json()).error_code).toBe('VERIFICATION_ERROR_SIGNATURE_INVALID');
    // Another epoch has another kid, which nobody without the root can tell, and another key.
    expect(await codeOf(forge(stolen, claims, 'mk_AAAAAAAAAAAAAAAAAAAAAA'))).toBe(
      'SIGNATURE_INVALID',
    );
    const endless = { ...claims, exp: claims.iat + 8 * 86_400 };
    expect(await codeOf(forge(stolen, endless))).toBe('SIGNATURE_INVALID');
    // It is no key of JWTs, and nothing can be derived from what it mints beyond its grant's key.
    const { ...unknownKey } = { ...claims, sub: crypto.randomUUID() };
    const orphan = forge(stolen, unknownKey);
    expect(await outcomeOf(await derive({ credential: orphan, ttl: '1m' }))).toBe(
      '401 parent_key_invalid',
    );
  });

  test('are of no use once revoked for good: nothing is minted, then by another key', async () => {
    const { secret } = await key();
    const { token } = await derived({ credential: secret });
    const kid = kidOf(token);
    const body = { target: 'signing_key', subject: kid };
    const revoked = await admin('/v1/admin/revocations', { body });
    expect(revoked.status).toBe(201);
    const refused = await derive({ ...MACAROON, credential: secret });
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(await outcomeOf(refused)).toBe('503 service_unavailable');
    expect((await verify(token)).error_code).toBe('VERIFICATION_ERROR_REVOKED');
    expect(await outcomeOf(await derive({ credential: secret }))).toBe('200'); // JWTs go on.
    await publish();
    const replaced = await stores.replacedKeys.list(DEFAULT_TENANT_ID);
    expect(replaced.map((row) => row.kid)).toEqual([kid]);
    expect(await outcomeOf(await derive({ ...MACAROON, credential: secret }))).toBe(
      '503 service_unavailable',
    );
    // The notice has passed, and so has the entry.
    await env.DB.exec('UPDATE replaced_macaroon_keys SET replaced_at_s = replaced_at_s - 1000');
    await env.DB.exec("DELETE FROM revocations WHERE scope = 'signing_key'");
    await new Promise((resolve) => setTimeout(resolve, 5100)); // So long it is remembered.
    const { token: next } = await derived({ credential: secret });
    expect(kidOf(next)).not.toBe(kid);
    expect((await verify(next)).is_valid).toBe(true);
    expect((await verify(token)).error_code).toBe('VERIFICATION_ERROR_SIGNATURE_INVALID');
  }, 20_000);
});
