/**
 * Guarantee: what an administrator revokes is refused, its siblings are not; what cannot be revoked is
 * refused with its exact code and leaves nothing behind; nobody reaches into another tenant.
 */

import { env } from 'cloudflare:workers';
import { decodeBase64url } from '@cardea/shared/bytes/base64url';
import { decodeUtf8 } from '@cardea/shared/bytes/utf8';
import { FOR_GOOD } from '@cardea/shared/feed/entry';
import { keysetObject } from '@cardea/shared/feed/head';
import { formatScopeId, scopeIdOfUuid } from '@cardea/shared/feed/scope-id';
import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import { beforeAll, describe, expect, test } from 'vitest';
import { makeTenant } from '../../../testing/administrators.ts';
import { admin, ISSUED, importKey, issue, outcomeOf } from '../../../testing/api.ts';
import { createFaultyApp } from '../../../testing/faulty-app.ts';
import { headInKv, hub, publish } from '../../../testing/hub.ts';

const REVOCATIONS = '/v1/admin/revocations';
const BATCH = `${REVOCATIONS}:batchCreate`;
const UUID = 'de027e2c-4b86-4f9b-9a86-b678b5f11df6';

type Body = Readonly<Record<string, unknown>>;
type Headers = Record<string, string>;

const post = (body: Body, headers: Headers = {}) => admin(REVOCATIONS, { body, headers });
const batch = (body: Body, headers: Headers = {}) => admin(BATCH, { body, headers });

async function revoke(body: Body, headers: Headers = {}) {
  const response = await post(body, headers);
  if (response.status !== 201) throw new Error(`Revoke answered ${await outcomeOf(response)}.`);
  return response.json();
}

const get = async (id: string) => (await admin(`${REVOCATIONS}/${id}`)).json();

async function list(filter = '', parameters = {}, headers: Headers = {}) {
  const query = new URLSearchParams({ filter, ...parameters });
  return (await admin(`${REVOCATIONS}?${query}`, { headers })).json();
}

async function deriveFrom(credential: string, headers: Headers = {}): Promise<string> {
  const response = await admin('/v2alpha1/admin/apiKeys:derive', { body: { credential }, headers });
  if (response.status !== 200) throw new Error(`Derive answered ${await outcomeOf(response)}.`);
  return (await response.json()).token.token;
}

function claimsOf(token: string) {
  const bytes = decodeBase64url(token.split('.')[1] ?? '') ?? new Uint8Array();
  return JSON.parse(decodeUtf8(bytes) ?? '');
}

async function statusOf(credential: string, headers: Headers = {}): Promise<string> {
  const body = { credential };
  const verified = await admin('/v2alpha1/admin/apiKeys:verify', { body, headers });
  const { is_valid: isValid, error_code: code } = await verified.json();
  return isValid ? 'valid' : code;
}

const REVOKED = 'VERIFICATION_ERROR_REVOKED';

/** An actor of its own, so that a test cuts off nobody else's tokens. */
const newKey = () => issue({ actor_id: `actor ${crypto.randomUUID()}` });

/** Everything that a revocation leaves behind, or would. */
async function traces() {
  const counts = ['revocations', 'audit_events', 'idempotent_requests'].map(async (table) => {
    const row = await env.DB.prepare(`SELECT count(*) AS n FROM ${table}`).first();
    return row?.n;
  });
  return [...(await Promise.all(counts)), (await hub().status()).entryCount];
}

/** Known to the first head: the keyset of a later one takes its time to arrive. */
let otherTenant = '';
beforeAll(async () => {
  otherTenant = await makeTenant();
  // Macaroon keys are sealed for edges: without one there are none in the feed.
  const edge = { tenants: [DEFAULT_TENANT_ID], audiences: [env.AUDIENCE] };
  const registered = await admin('/v1/admin/edges', { body: { name: 'revocations', ...edge } });
  expect(registered.status).toBe(201);
  await publish();
});

describe('revoking', () => {
  test('one token ends it and what was derived from it, and spares its siblings', async () => {
    const { secret } = await newKey();
    const [token, sibling] = [await deriveFrom(secret), await deriveFrom(secret)];
    const child = await deriveFrom(token);
    const { jti } = claimsOf(token);
    const response = await post({ target: 'token', subject: jti, reason: 'seen in a log' });
    expect([response.status, response.headers.get('cardea-revocation')]).toEqual([
      ...[201, 'acknowledged'],
    ]);
    const made = await response.json();
    expect(made).toEqual({
      ...{ revocation_id: expect.stringMatching(/^[0-9a-f-]{36}$/), tenant_id: DEFAULT_TENANT_ID },
      ...{ target: 'token', subject: jti, extent: 'for_good', reason: 'seen in a log' },
      ...{ cause: 'revocation.create', status: 'acknowledged' },
      scope_id: formatScopeId(scopeIdOfUuid(jti) ?? { high: 0, low: 0 }),
      create_time: expect.any(String),
      effect_time: made.create_time,
      expire_time: expect.any(String),
    });
    expect(response.headers.get('location')).toBe(`${REVOCATIONS}/${made.revocation_id}`);
    const kept = Date.parse(made.expire_time) - Date.parse(made.create_time);
    expect(kept).toBe((86_400 + 60) * 1000);
    expect(await Promise.all([token, child, sibling].map((text) => statusOf(text)))).toEqual([
      ...[REVOKED, REVOKED, 'valid'],
    ]);
    await publish();
    expect((await headInKv()).bounds.get(made.scope_id)).toBe(FOR_GOOD);
  });

  test('a key for good ends the key as its own operation does', async () => {
    const { issued_api_key: key, secret } = await newKey();
    const token = await deriveFrom(secret);
    const made = await revoke({ target: 'key', subject: key.key_id, reason: 'left' });
    expect(made).toMatchObject({ cause: 'api_key.revoke', extent: 'for_good', reason: 'left' });
    expect([await statusOf(secret), await statusOf(token)]).toEqual([REVOKED, REVOKED]);
    const { status } = await (await admin(`${ISSUED}/${key.key_id}`)).json();
    expect(status).toBe('KEY_STATUS_REVOKED');
    const again = await post({ target: 'key', subject: key.key_id });
    expect(await outcomeOf(again)).toBe('409 conflict');
  });

  test.each(['issued', 'imported'])('a cut-off of an %s key leaves the key alone', async (kind) => {
    const raw = `legacy-${crypto.randomUUID()}`;
    const { key_id: keyId, secret } =
      kind === 'imported'
        ? { ...(await importKey({ raw_key: raw })), secret: raw }
        : await newKey().then((one) => ({ ...one.issued_api_key, secret: one.secret }));
    const token = await deriveFrom(secret);
    const made = await revoke({ target: 'key', subject: keyId, extent: 'cut_off' });
    const bound = Date.parse(made.cut_off_time) / 1000;
    expect(bound).toBeGreaterThanOrEqual(claimsOf(token).iat);
    expect([await statusOf(token), await statusOf(secret)]).toEqual([REVOKED, 'valid']);
    // The next second's tokens are good: minting waits for it.
    const later = await deriveFrom(secret);
    expect(claimsOf(later).iat).toBeGreaterThan(bound);
    expect(await statusOf(later)).toBe('valid');
  });

  test('an actor cuts off the tokens of all its keys, and of nobody else', async () => {
    const one = await newKey();
    const actor = one.issued_api_key.actor_id;
    const other = await issue({ actor_id: actor });
    const stranger = await deriveFrom((await newKey()).secret);
    const tokens = [await deriveFrom(one.secret), await deriveFrom(other.secret)];
    const made = await revoke({ target: 'actor', subject: actor });
    expect(made).toMatchObject({ target: 'actor', subject: actor, extent: 'cut_off' });
    for (const token of tokens) expect(await statusOf(token)).toBe(REVOKED);
    expect([await statusOf(stranger), await statusOf(one.secret)]).toEqual(['valid', 'valid']);
    // What KV tells names nobody.
    await publish();
    expect((await headInKv()).bounds.has(made.scope_id)).toBe(true);
    expect(JSON.stringify([...(await headInKv()).bounds])).not.toContain(actor);
  });

  test('at a time of its own cuts off what is older, and nothing else', async () => {
    const { issued_api_key: key, secret } = await newKey();
    const token = await deriveFrom(secret);
    const { iat } = claimsOf(token);
    const timeText = (seconds: number) => new Date(seconds * 1000).toISOString();
    const body = { target: 'actor', subject: key.actor_id };
    await revoke({ ...body, cut_off_time: timeText(iat - 1) });
    expect(await statusOf(token)).toBe('valid');
    const made = await revoke({ ...body, cut_off_time: timeText(iat + 0.9) });
    expect(Date.parse(made.cut_off_time)).toBe(iat * 1000);
    expect(await statusOf(token)).toBe(REVOKED);
  });

  test('a tenant cuts off its tokens, and spares those of others', async () => {
    const tenantId = otherTenant;
    const headers = { 'Cardea-Tenant': tenantId };
    const body = { name: 'key', actor_id: 'alice' };
    const { secret } = await (await admin(ISSUED, { body, headers })).json();
    const token = await deriveFrom(secret, headers);
    const ours = await deriveFrom((await newKey()).secret);
    expect(await statusOf(token, headers)).toBe('valid');
    const made = await revoke({ target: 'tenant', subject: tenantId }, headers);
    expect(made).toMatchObject({ tenant_id: tenantId, target: 'tenant', subject: tenantId });
    expect([await statusOf(token, headers), await statusOf(ours)]).toEqual([REVOKED, 'valid']);
  });

  test('a signing key ends what it signed; the publisher retires it and makes another', async () => {
    const { secret } = await newKey();
    const token = await deriveFrom(secret);
    const keys = async () => (await (await admin('/v1/admin/signingKeys')).json()).signing_keys;
    const [active] = (await keys()).filter(({ state }: Body) => state === 'active');
    const made = await revoke({ target: 'signing_key', subject: active.kid });
    expect(made).toMatchObject({ extent: 'for_good', subject: active.kid });
    expect(await statusOf(token)).toBe(REVOKED);
    await publish();
    const after = await keys();
    const stateOf = (kid: string) => after.find((key: Body) => key.kid === kid)?.state;
    expect(stateOf(active.kid)).toBe('retired');
    expect(after.filter(({ state }: Body) => state === 'pending')).toHaveLength(1);
    expect((await headInKv()).bounds.get(made.scope_id)).toBe(FOR_GOOD);
    // Nothing is signed with it meanwhile.
    const derive = admin('/v2alpha1/admin/apiKeys:derive', { body: { credential: secret } });
    expect(await outcomeOf(await derive)).toBe('503 service_unavailable');
    // Once it has been known for a bound, the new one signs.
    await env.DB.exec('UPDATE signing_keys SET published_at_s = 1 WHERE published_at_s > 0');
    await env.DB.exec(`UPDATE signing_keys SET published_at_s = 1 WHERE state = 'pending'`);
    await publish();
    expect(await statusOf(await deriveFrom(secret))).toBe('valid');
  });

  test('a macaroon key is revoked like a signing key, by the tenant that it is for alone', async () => {
    const { keysetHash } = await headInKv();
    const keyset = JSON.parse((await env.FEED.get(keysetObject(keysetHash), 'text')) ?? '');
    const sealed = keyset.sealed.find(({ nid }: Body) => nid === DEFAULT_TENANT_ID);
    const body = { target: 'signing_key', subject: sealed.kid };
    const foreign = await post(body, { 'Cardea-Tenant': otherTenant });
    expect(await outcomeOf(foreign)).toBe('404 not_found');
    const made = await revoke(body);
    await publish();
    expect((await headInKv()).bounds.get(made.scope_id)).toBe(FOR_GOOD);
  });

  test('an actor while its tokens are derived leaves none that is older, and none refused that is younger', async () => {
    const { issued_api_key: key, secret } = await newKey();
    const parent = await deriveFrom(secret);
    const early: string[] = [];
    const derive = async (credential: string) => {
      const body = { credential };
      const response = await admin('/v2alpha1/admin/apiKeys:derive', { body });
      return response.ok ? [(await response.json()).token.token as string] : [];
    };
    for (let i = 0; i < 5; i++) early.push(...(await derive(secret)));
    const during = Array.from({ length: 20 }, (_, i) => derive(i % 2 === 0 ? secret : parent));
    const made = await revoke({ target: 'actor', subject: key.actor_id });
    const late = (await Promise.all(during)).flat();
    const bound = Date.parse(made.cut_off_time) / 1000;
    expect(late.length).toBeGreaterThan(0);
    for (const token of [parent, ...early, ...late]) {
      const isCovered = claimsOf(token).iat <= bound;
      expect([isCovered, await statusOf(token)]).toEqual([
        ...[isCovered, isCovered ? REVOKED : 'valid'],
      ]);
    }
    for (const token of early) expect(claimsOf(token).iat).toBeLessThanOrEqual(bound);
    // From the refused parent nothing younger can be had.
    for (const token of late.filter((text) => claimsOf(text).anc !== undefined)) {
      expect(claimsOf(token).iat).toBeLessThanOrEqual(bound);
    }
    const { status } = await admin('/v2alpha1/admin/apiKeys:derive', {
      body: { credential: parent },
    });
    expect(status).toBe(401);
  });

  test('everything cuts off every token of every tenant', async () => {
    const token = await deriveFrom((await newKey()).secret);
    const made = await revoke({ target: 'everything', reason: 'the worst has happened' });
    expect(made).toMatchObject({ target: 'everything', scope_id: '0000000000000000' });
    expect(made).not.toHaveProperty('subject');
    expect(await statusOf(token)).toBe(REVOKED);
    await publish();
    const bound = (await headInKv()).bounds.get('0000000000000000');
    expect(bound).toBe(Date.parse(made.cut_off_time) / 1000);
  });
});

describe('what cannot be revoked', () => {
  const inAnHour = new Date(Date.now() + 3_600_000).toISOString();
  const NOBODYS_KEY = 'ab'.repeat(32);
  const REFUSED: ReadonlyArray<readonly [what: string, body: Body, outcome: string]> = [
    ['nothing', {}, '400 bad_request'],
    ['an unknown target', { target: 'user', subject: 'x' }, '400 bad_request'],
    ['a target of another type', { target: 1, subject: UUID }, '400 bad_request'],
    [
      'a member that nobody reads',
      { target: 'token', subject: UUID, jti: UUID },
      '400 bad_request',
    ],
    ['a token without a name', { target: 'token' }, '400 bad_request'],
    ['a jti that is none', { target: 'token', subject: 'x' }, '400 bad_request'],
    ['a jti in capitals', { target: 'token', subject: UUID.toUpperCase() }, '400 bad_request'],
    ['a token itself', { target: 'token', subject: 'eyJhbGciOiJub25lIn0.e30.' }, '400 bad_request'],
    ['a token, cut off', { target: 'token', subject: UUID, extent: 'cut_off' }, '400 bad_request'],
    [
      'a token at a time',
      { target: 'token', subject: UUID, cut_off_time: '2026-01-01T00:00:00Z' },
      '400 bad_request',
    ],
    ['a key id that is none', { target: 'key', subject: 'x' }, '400 bad_request'],
    ['a key that nobody has', { target: 'key', subject: UUID }, '404 api_key_not_found'],
    ['an imported one', { target: 'key', subject: NOBODYS_KEY }, '404 api_key_not_found'],
    [
      'a key that nobody has, cut off',
      { target: 'key', subject: UUID, extent: 'cut_off' },
      '404 api_key_not_found',
    ],
    [
      'a key for good at a time',
      { target: 'key', subject: UUID, extent: 'for_good', cut_off_time: '2026-01-01T00:00:00Z' },
      '400 bad_request',
    ],
    ['an actor without a name', { target: 'actor', subject: '' }, '400 bad_request'],
    ['an actor too long', { target: 'actor', subject: 'x'.repeat(256) }, '400 bad_request'],
    ['an actor for good', { target: 'actor', subject: 'a', extent: 'for_good' }, '400 bad_request'],
    ['a tenant that is none', { target: 'tenant', subject: 'x' }, '400 bad_request'],
    ['another tenant', { target: 'tenant', subject: UUID }, '403 forbidden'],
    [
      'a tenant for good',
      { target: 'tenant', subject: DEFAULT_TENANT_ID, extent: 'for_good' },
      '400 bad_request',
    ],
    ['a kid that nobody has', { target: 'signing_key', subject: 'x' }, '404 not_found'],
    ['a kid too long', { target: 'signing_key', subject: 'é'.repeat(65) }, '400 bad_request'],
    [
      'a signing key, cut off',
      { target: 'signing_key', subject: 'x', extent: 'cut_off' },
      '400 bad_request',
    ],
    ['everything by name', { target: 'everything', subject: 'x' }, '400 bad_request'],
    ['everything for good', { target: 'everything', extent: 'for_good' }, '400 bad_request'],
    ['the future', { target: 'everything', cut_off_time: inAnHour }, '400 bad_request'],
    [
      'the far future',
      { target: 'actor', subject: 'a', cut_off_time: '9999-12-31T23:59:59Z' },
      '400 bad_request',
    ],
    ['no time', { target: 'actor', subject: 'a', cut_off_time: 'now' }, '400 bad_request'],
    ['a number', { target: 'actor', subject: 'a', cut_off_time: 1767225600 }, '400 bad_request'],
    [
      'a time before all time',
      { target: 'actor', subject: 'a', cut_off_time: '1969-12-31T23:59:59Z' },
      '400 bad_request',
    ],
    [
      'too long a reason',
      { target: 'token', subject: UUID, reason: 'x'.repeat(256) },
      '400 bad_request',
    ],
    [
      'too long a request id',
      { target: 'token', subject: UUID, request_id: 'x'.repeat(37) },
      '400 bad_request',
    ],
  ];

  test.each(REFUSED)('%s is refused, and leaves nothing behind', async (_, body, outcome) => {
    const before = await traces();
    expect(await outcomeOf(await post(body))).toBe(outcome);
    const { target } = body;
    if (target === 'token' || target === 'actor') {
      const { reason, request_id: id, ...wish } = body;
      const request = {
        ...(reason === undefined ? {} : { reason }),
        ...(id === undefined ? {} : { request_id: id }),
      };
      const good = { target: 'token', subject: UUID };
      const many = await batch({ revocations: [good, wish], ...request });
      expect(await outcomeOf(many)).toBe(outcome);
    }
    expect(await traces()).toEqual(before);
  });

  test('the same with what is right is not refused', async () => {
    const before = await traces();
    await revoke({ target: 'token', subject: crypto.randomUUID() });
    expect(await traces()).not.toEqual(before);
    const within = new Date(Date.now() + 20_000).toISOString();
    await revoke({ target: 'actor', subject: 'nobody', cut_off_time: within });
  });

  test.each([
    ['none', { revocations: [] }],
    ['more than a thousand', { revocations: Array(1001).fill({ target: 'token', subject: UUID }) }],
    ['no list', { revocations: { target: 'token', subject: UUID } }],
    ['a tenant', { revocations: [{ target: 'tenant', subject: DEFAULT_TENANT_ID }] }],
    ['everything', { revocations: [{ target: 'everything' }] }],
    ['a signing key', { revocations: [{ target: 'signing_key', subject: 'x' }] }],
    ['a reason for each', { revocations: [{ target: 'token', subject: UUID, reason: 'mine' }] }],
  ])('a batch of %s is refused whole', async (_, body) => {
    const before = await traces();
    expect(await outcomeOf(await batch(body))).toBe('400 bad_request');
    expect(await traces()).toEqual(before);
  });

  test('a batch with one key that nobody has, or for good, is refused whole', async () => {
    const { issued_api_key: key } = await newKey();
    const good = { target: 'key', subject: key.key_id, extent: 'cut_off' };
    const before = await traces();
    const unknown = await batch({ revocations: [good, { ...good, subject: UUID }] });
    expect(await outcomeOf(unknown)).toBe('404 api_key_not_found');
    const forGood = await batch({ revocations: [good, { ...good, extent: 'for_good' }] });
    expect((await forGood.clone().json()).error.message).toBe(
      'revocations.1.extent: a key is revoked for good by a request of its own',
    );
    expect(await outcomeOf(forGood)).toBe('400 bad_request');
    expect(await traces()).toEqual(before);
  });
});

describe('a batch', () => {
  test('revokes many at once, in order, with an event each', async () => {
    const { issued_api_key: key, secret } = await newKey();
    const tokens = [await deriveFrom(secret), await deriveFrom(secret), await deriveFrom(secret)];
    const revocations = tokens
      .slice(0, 2)
      .map((token) => ({ target: 'token', subject: claimsOf(token).jti }));
    const body = { revocations, reason: 'leaked', request_id: crypto.randomUUID() };
    const requestId = crypto.randomUUID();
    const response = await batch(body, { 'X-Request-ID': requestId });
    expect(response.status).toBe(201);
    const made = (await response.json()).revocations;
    expect(made.map(({ subject }: Body) => subject)).toEqual(
      revocations.map(({ subject }) => subject),
    );
    expect(await Promise.all(tokens.map((token) => statusOf(token)))).toEqual([
      ...[REVOKED, REVOKED, 'valid'],
    ]);
    const events = await env.DB.prepare('SELECT * FROM audit_events WHERE request_id = ?')
      .bind(requestId)
      .all();
    expect(events.results.map(({ target_id: id }) => id).sort()).toEqual(
      made.map(({ revocation_id: id }: Body) => id).sort(),
    );
    const replay = await batch(body);
    expect((await replay.json()).revocations.map((row: Body) => row.revocation_id)).toEqual(
      made.map((row: Body) => row.revocation_id),
    );
    const cutOffs = ['key', 'actor'].map((target) => ({
      ...{ target, subject: target === 'key' ? key.key_id : key.actor_id, extent: 'cut_off' },
    }));
    expect((await batch({ revocations: cutOffs })).status).toBe(201);
    expect(await statusOf(tokens[2] ?? '')).toBe(REVOKED);
  });

  test('takes a thousand', async () => {
    const revocations = Array.from({ length: 1000 }, () => ({
      ...{ target: 'token', subject: crypto.randomUUID() },
    }));
    const response = await batch({ revocations });
    expect(response.status).toBe(201);
    expect((await response.json()).revocations).toHaveLength(1000);
  });
});

describe('a request id', () => {
  const token = () => ({ target: 'token', subject: crypto.randomUUID() });

  test.each([
    ['a token', async () => token()],
    ['a key', async () => ({ target: 'key', subject: (await newKey()).issued_api_key.key_id })],
  ])('makes it safe to revoke %s again, and answers with the same', async (_, wishOf) => {
    const body = { ...(await wishOf()), reason: 'r', request_id: crypto.randomUUID() };
    const first = await revoke(body);
    const before = await traces();
    const answers = await Promise.all([post(body), post(body), post(body)]);
    for (const answer of answers) {
      expect(answer.status).toBe(201);
      expect((await answer.json()).revocation_id).toBe(first.revocation_id);
    }
    for (const other of [{ reason: 's' }, token(), { extent: 'for_good' }]) {
      expect(await outcomeOf(await post({ ...body, ...other }))).toBe('409 conflict');
    }
    expect(
      await outcomeOf(await batch({ revocations: [token()], request_id: body.request_id })),
    ).toBe('409 conflict');
    expect(await traces()).toEqual(before);
  });

  test('of a request that was refused is free', async () => {
    const request = { request_id: crypto.randomUUID() };
    const unknown = await post({ target: 'key', subject: UUID, ...request });
    expect(await outcomeOf(unknown)).toBe('404 api_key_not_found');
    await revoke({ ...token(), ...request });
  });
});

describe('while the hub is away', () => {
  test('a revocation is accepted, holds here, and is acknowledged by a repetition', async () => {
    const { faults, post: call } = await createFaultyApp();
    const jwt = await deriveFrom((await newKey()).secret);
    const body = {
      ...{ target: 'token', subject: claimsOf(jwt).jti, request_id: crypto.randomUUID() },
    };
    // Where in such a request the hub is called: the first one fills what is remembered.
    await call(REVOCATIONS, { target: 'token', subject: crypto.randomUUID() });
    faults.names.length = 0;
    await call(REVOCATIONS, { target: 'token', subject: crypto.randomUUID(), request_id: 'r' });
    const place = faults.names.indexOf('hub.acknowledge') + 1;
    expect(place).toBeGreaterThan(0);
    Object.assign(faults, { calls: 0, failAt: place });
    const response = await call(REVOCATIONS, body);
    expect([response.status, response.headers.get('cardea-revocation')]).toEqual([
      ...[202, 'accepted'],
    ]);
    const made = await response.json();
    expect(made.status).toBe('accepted');
    expect(await statusOf(jwt)).toBe(REVOKED);
    const isListed = async (status: string) =>
      (await list(`status=${status} AND subject="${body.subject}"`)).revocations.length;
    expect([await isListed('accepted'), await isListed('acknowledged')]).toEqual([1, 0]);
    const again = await call(REVOCATIONS, body);
    expect(again.status).toBe(201);
    expect((await again.json()).revocation_id).toBe(made.revocation_id);
    expect((await get(made.revocation_id)).status).not.toBe('accepted');
  });
});
