/** Guarantee: who may see and make which revocations, and that the list shows all of them, and only those. */

import { env } from 'cloudflare:workers';
import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { bearer, makeAdmin, makeTenant } from '../../../testing/administrators.ts';
import { admin, ISSUED, importKey, issue, outcomeOf } from '../../../testing/api.ts';
import { publish } from '../../../testing/hub.ts';

const REVOCATIONS = '/v1/admin/revocations';

type Body = Readonly<Record<string, unknown>>;
type Headers = Record<string, string>;

const post = (body: Body, headers: Headers = {}) => admin(REVOCATIONS, { body, headers });

async function revoke(body: Body, headers: Headers = {}) {
  const response = await post(body, headers);
  if (response.status !== 201) throw new Error(`Revoke answered ${await outcomeOf(response)}.`);
  return response.json();
}

async function page(filter = '', parameters = {}, headers: Headers = {}) {
  const query = new URLSearchParams({ filter, ...parameters });
  return admin(`${REVOCATIONS}?${query}`, { headers });
}

async function list(filter = '', headers: Headers = {}): Promise<Body[]> {
  const response = await page(filter, { page_size: '1000' }, headers);
  if (!response.ok) throw new Error(`List answered ${await outcomeOf(response)}.`);
  return (await response.json()).revocations;
}

const idsOf = (rows: readonly Body[]) => rows.map((row) => row.revocation_id);
const aToken = () => ({ target: 'token', subject: crypto.randomUUID() });

async function credential(request: Body): Promise<Headers> {
  return bearer((await makeAdmin(request)).secret);
}

const countOf = async () =>
  (await env.DB.prepare('SELECT count(*) AS n FROM revocations').first())?.n;

beforeAll(async () => {
  await publish();
});

describe('an operator', () => {
  test.each([[{ target: 'tenant', subject: DEFAULT_TENANT_ID }], [{ target: 'everything' }]])(
    'may not revoke %j, which an owner may',
    async (body) => {
      const operator = await credential({ role: 'operator' });
      const before = await countOf();
      expect(await outcomeOf(await post(body, operator))).toBe('403 forbidden');
      expect(await countOf()).toBe(before);
      await revoke(aToken(), operator);
      await revoke(body, await credential({ role: 'owner' }));
    },
  );
});

describe('who is bound to a tenant', () => {
  test('revokes in that tenant alone, and nothing of others', async () => {
    const [mine, theirs] = [await makeTenant(), await makeTenant()];
    const owner = await credential({ role: 'owner', tenant_id: mine });
    const as = { 'Cardea-Tenant': theirs };
    const body = { name: 'key', actor_id: 'alice' };
    const key = (await (await admin(ISSUED, { body, headers: as })).json()).issued_api_key.key_id;
    const keys = await (await admin('/v1/admin/signingKeys')).json();
    const before = await countOf();
    const refused: ReadonlyArray<readonly [Body, string]> = [
      [{ target: 'key', subject: key }, '404 api_key_not_found'],
      [{ target: 'key', subject: key, extent: 'cut_off' }, '404 api_key_not_found'],
      [{ target: 'tenant', subject: theirs }, '403 forbidden'],
      [{ target: 'tenant', subject: DEFAULT_TENANT_ID }, '403 forbidden'],
      [{ target: 'signing_key', subject: keys.signing_keys[0].kid }, '404 not_found'],
      [{ target: 'everything' }, '403 forbidden'],
    ];
    for (const [wish, outcome] of refused) {
      expect([wish, await outcomeOf(await post(wish, owner))]).toEqual([wish, outcome]);
    }
    expect(await outcomeOf(await post(aToken(), { ...owner, ...as }))).toBe('403 forbidden');
    expect(await countOf()).toBe(before);
    expect((await (await admin(`${ISSUED}/${key}`, { headers: as })).json()).status).toBe(
      'KEY_STATUS_ACTIVE',
    );
    const made = await revoke({ target: 'tenant', subject: mine }, owner);
    // The actor of the same name in another tenant is another one.
    const actor = { target: 'actor', subject: 'alice' };
    const [ours, others] = [await revoke(actor, owner), await revoke(actor, as)];
    expect(ours.scope_id).not.toBe(others.scope_id);
    expect(idsOf(await list('', owner))).toEqual(
      expect.arrayContaining([made.revocation_id, ours.revocation_id]),
    );
    expect(await list('', owner)).toHaveLength(2);
    const read = (id: string, headers: Headers) => admin(`${REVOCATIONS}/${id}`, { headers });
    expect((await read(made.revocation_id, owner)).status).toBe(200);
    for (const [id, headers] of [
      [others.revocation_id, owner],
      [made.revocation_id, as],
      [made.revocation_id, {}],
    ] as const) {
      expect(await outcomeOf(await read(id, headers))).toBe('404 not_found');
    }
  });

  test('meets no request id of another tenant', async () => {
    const request = { request_id: crypto.randomUUID() };
    const ours = await revoke({ ...aToken(), ...request });
    const headers = { 'Cardea-Tenant': await makeTenant() };
    const theirs = await revoke({ ...aToken(), ...request }, headers);
    expect(theirs.revocation_id).not.toBe(ours.revocation_id);
  });
});

describe('the list', () => {
  let headers: Headers = {};
  beforeEach(async () => {
    headers = { 'Cardea-Tenant': await makeTenant() };
  });

  test('has whatever caused them, by what was named', async () => {
    const newKey = async () =>
      (await issue({ actor_id: crypto.randomUUID() })).issued_api_key.key_id as string;
    const [revoked, rotated, disabled, overlapping] = [
      ...[await newKey(), await newKey(), await newKey(), await newKey()],
    ];
    const imported = (await importKey()).key_id as string;
    await admin(`${ISSUED}/${revoked}:revoke`, { body: {} });
    await admin(`${ISSUED}/${rotated}:rotate`, { body: {} });
    await admin(`${ISSUED}/${disabled}:disable`, { body: {} });
    await admin(`${ISSUED}/${overlapping}:rotate`, { body: { overlap: '1h' } });
    await admin(`/v2alpha1/admin/importedApiKeys/${imported}`, { method: 'DELETE' });
    const expected = [
      [revoked, 'api_key.revoke', 'for_good', /^(acknowledged|published)$/],
      [rotated, 'api_key.rotate', 'for_good', /^(acknowledged|published)$/],
      [disabled, 'api_key.disable', 'cut_off', /^(acknowledged|published)$/],
      [overlapping, 'api_key.rotate', 'for_good', /^waiting$/],
      [imported, 'api_key.delete', 'cut_off', /^(acknowledged|published)$/],
    ] as const;
    for (const [subject, cause, extent, status] of expected) {
      const rows = await list(`subject="${subject}"`);
      expect(rows).toEqual([
        expect.objectContaining({
          ...{ target: 'key', subject, cause, extent, status: expect.stringMatching(status) },
        }),
      ]);
    }
    const [waiting] = await list(`status=waiting AND subject="${overlapping}"`);
    const times = ['create_time', 'effect_time'].map((name) => Date.parse(String(waiting?.[name])));
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBe(3_600_000);
  });

  test('is filtered by target, subject, status and time', async () => {
    const body = { name: 'key', actor_id: 'bob' };
    const key = (await (await admin(ISSUED, { body, headers })).json()).issued_api_key.key_id;
    const token = await revoke(aToken(), headers);
    const actor = await revoke({ target: 'actor', subject: 'bob "the key" \\' }, headers);
    const cutOff = await revoke({ target: 'key', subject: key, extent: 'cut_off' }, headers);
    const forGood = await revoke({ target: 'key', subject: key }, headers);
    const ids = async (filter: string) => idsOf(await list(filter, headers)).sort();
    const of = (...rows: readonly Body[]) => idsOf(rows).sort();
    expect(await ids('')).toEqual(of(token, actor, cutOff, forGood));
    expect(await ids('target=token')).toEqual(of(token));
    expect(await ids('target="key"')).toEqual(of(cutOff, forGood));
    expect(await ids(`subject="${token.subject}"`)).toEqual(of(token));
    expect(await ids('subject="bob \\"the key\\" \\\\"')).toEqual(of(actor));
    expect(await ids('subject="bob"')).toEqual([]);
    expect(await ids(`target=actor AND subject="${key}"`)).toEqual([]);
    expect(await ids('status=ended')).toEqual([]);
    expect(await ids('create_time>=2100-01-01T00:00:00Z')).toEqual([]);
    expect(await ids('create_time<2100-01-01T00:00:00Z AND target=actor')).toEqual(of(actor));
    const isLive = [...(await ids('status=acknowledged')), ...(await ids('status=published'))];
    expect(isLive.sort()).toEqual(of(token, actor, cutOff, forGood));
  });

  test('has pages of any size, whose tokens are good for this list alone', async () => {
    for (let i = 0; i < 5; i++) await revoke(aToken(), headers);
    const all = idsOf(await list('', headers));
    for (const size of [1, 2, 5]) {
      const ids: unknown[] = [];
      let token = '';
      do {
        const parameters = { page_size: String(size), page_token: token };
        const answer = await (await page('', parameters, headers)).json();
        ids.push(...idsOf(answer.revocations));
        token = answer.next_page_token;
      } while (token !== '');
      expect(ids).toEqual(all);
    }
    const first = await (await page('', { page_size: '2' }, headers)).json();
    const next = { page_token: first.next_page_token };
    expect((await page('', next, headers)).status).toBe(200);
    for (const response of [
      page('target=token', next, headers),
      page('', next),
      admin(`/v1/admin/auditEvents?page_token=${first.next_page_token}`, { headers }),
    ]) {
      expect(await outcomeOf(await response)).toBe('400 bad_request');
    }
  });

  test.each([
    'user=1',
    'target=user',
    'status=revoked',
    'target>=token',
    'create_time=2026-01-01T00:00:00Z',
    'create_time>=yesterday',
    'subject="a" OR subject="b"',
    'subject="a" AND subject="b"',
    `subject="${'x'.repeat(500)}"`,
  ])('refuses the filter %s', async (filter) => {
    expect(await outcomeOf(await page(filter))).toBe('400 bad_request');
  });

  test.each(['page_size=1001', 'page_size=-1', 'page_token=x'])('refuses %s', async (query) => {
    expect(await outcomeOf(await admin(`${REVOCATIONS}?${query}`))).toBe('400 bad_request');
  });
});
