import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import { admin, ISSUED, issue, outcomeOf } from '../../testing/api.ts';

const VALID = { name: 'key', actor_id: 'alice' };
const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/;

const attempt = (request: unknown) => admin(ISSUED, { body: request });

async function countKeys(): Promise<number> {
  const row = await env.DB.prepare('SELECT count(*) AS n FROM api_keys').first();
  return Number(row?.n);
}

/** Seconds from creation to expiry of a key as it is shown. */
function lifeSeconds(key: { create_time: string; expire_time: string }): number {
  return (Date.parse(key.expire_time) - Date.parse(key.create_time)) / 1000;
}

describe('issuing', () => {
  test('answers 201 with the key, its secret and its place', async () => {
    const response = await attempt({
      ...VALID,
      scopes: ['read', 'write'],
      ttl: '3600s',
      metadata: { team: 'x', nested: { list: [1, null, true] } },
      rate_limit_policy: { quota: '100', window: '60s', unit: 'bananas' },
      ip_restriction: { allowed_cidrs: ['10.0.0.0/8', '2001:db8::/32'] },
      visibility: 'KEY_VISIBILITY_SECRET',
    });
    expect(response.status).toBe(201);
    const { issued_api_key: key, secret } = await response.json();
    expect(response.headers.get('location')).toBe(`${ISSUED}/${key.key_id}`);
    expect(secret).toMatch(/^ck_v1_[1-9A-HJ-NP-Za-km-z]{48,66}_[1-9A-HJ-NP-Za-km-z]{8,11}$/);
    expect(key).toEqual({
      key_id: expect.stringMatching(UUID_V4),
      name: 'key',
      actor_id: 'alice',
      scopes: ['read', 'write'],
      metadata: { team: 'x', nested: { list: [1, null, true] } },
      status: 'KEY_STATUS_ACTIVE',
      create_time: expect.stringMatching(TIMESTAMP),
      update_time: key.create_time,
      expire_time: expect.stringMatching(TIMESTAMP),
      rate_limit_policy: { quota: '100', window: '60s', unit: 'requests' },
      ip_restriction: { allowed_cidrs: ['10.0.0.0/8', '2001:db8::/32'] },
      visibility: 'KEY_VISIBILITY_SECRET',
    });
    expect(lifeSeconds(key)).toBe(3600);
    const found = await admin(`${ISSUED}/${key.key_id}`);
    expect(await found.json()).toEqual(key);
  });

  test('leaves out what is optional and unset, and shows the rest', async () => {
    const { issued_api_key: key } = await issue();
    expect(Object.keys(key).sort()).toEqual([
      ...['actor_id', 'create_time', 'expire_time', 'key_id', 'metadata', 'name', 'scopes'],
      ...['status', 'update_time', 'visibility'],
    ]);
    expect(key).toMatchObject({ scopes: [], metadata: null, visibility: 'KEY_VISIBILITY_SECRET' });
  });

  test('gives public keys a prefix of their own', async () => {
    const { issued_api_key: key, secret } = await issue({ visibility: 'KEY_VISIBILITY_PUBLIC' });
    expect(secret).toMatch(/^ckp_v1_/);
    expect(key.visibility).toBe('KEY_VISIBILITY_PUBLIC');
  });

  test.each([
    ['none: the default', {}, 7_776_000],
    ['null: the default', { ttl: null }, 7_776_000],
    ['seconds', { ttl: '60s' }, 60],
    ['the least', { ttl: '1s' }, 1],
    ['the most', { ttl: '8760h' }, 31_536_000],
    ['a Go duration', { ttl: '1h30m' }, 5400],
    ['a fraction', { ttl: '1.5h' }, 5400],
    ['days', { ttl: '2d' }, 172_800],
    ['a year', { ttl: '1y' }, 31_536_000],
    ['months and weeks', { ttl: '1mo1w' }, 3_196_800],
  ])('takes a ttl of %s', async (_, request, seconds) => {
    const { issued_api_key: key } = await issue(request);
    expect(lifeSeconds(key)).toBe(seconds);
  });

  test.each([
    ['camelCase', { actorId: 'bob', name: 'n', ipRestriction: { allowedCidrs: ['10.0.0.0/8'] } }],
    ['unknown members', { ...VALID, key_id: 'x', status: 'KEY_STATUS_REVOKED', nonsense: [{}] }],
    ['enums by number', { ...VALID, visibility: 1 }],
    ['a quota by number', { ...VALID, rate_limit_policy: { quota: 5, window: '60s' } }],
    ['names of 255 characters', { name: '😀'.repeat(255), actor_id: 'é'.repeat(255) }],
    ['100 scopes of 100', { ...VALID, scopes: Array(100).fill('s'.repeat(100)) }],
    ['50 ranges', { ...VALID, ip_restriction: { allowed_cidrs: Array(50).fill('10.0.0.0/8') } }],
    ['4096 bytes of metadata', { ...VALID, metadata: { x: 'y'.repeat(4096 - '{"x":""}'.length) } }],
    ['naughty names', { name: '\u202e<script>\u2028', actor_id: "'; DROP TABLE api_keys; --" }],
  ])('takes %s', async (_, request) => {
    expect(await outcomeOf(await attempt(request))).toBe('201');
  });

  test.each([
    ['no name', { actor_id: 'a' }, 'name: is required'],
    ['an empty name', { ...VALID, name: '' }, 'name: must have 1 to 255 characters'],
    ['a long name', { ...VALID, name: 'x'.repeat(256) }, 'name: must have 1 to 255 characters'],
    ['a number as name', { ...VALID, name: 5 }, 'name: must be a string'],
    ['no actor', { name: 'n' }, 'actor_id: is required'],
    [
      'a long actor',
      { ...VALID, actor_id: 'x'.repeat(256) },
      'actor_id: must have 1 to 255 characters',
    ],
    ['scopes that are no array', { ...VALID, scopes: 'read' }, 'scopes: must be an array of texts'],
    ['a scope that is no text', { ...VALID, scopes: [1] }, 'scopes.0: must be a string'],
    ['an empty scope', { ...VALID, scopes: ['a', ''] }, 'scopes.1: must have 1 to 100 characters'],
    [
      'a long scope',
      { ...VALID, scopes: ['x'.repeat(101)] },
      'scopes.0: must have 1 to 100 characters',
    ],
    [
      '101 scopes',
      { ...VALID, scopes: Array(101).fill('s') },
      'scopes: must have at most 100 elements',
    ],
    [
      'a zero ttl',
      { ...VALID, ttl: '0s' },
      'ttl must be greater than 0; non-expiring API keys are not supported',
    ],
    [
      'a negative ttl',
      { ...VALID, ttl: '-5s' },
      'ttl must be greater than 0; non-expiring API keys are not supported',
    ],
    ['a ttl below a second', { ...VALID, ttl: '500ms' }, 'ttl must be at least 1 second'],
    [
      'a ttl over the maximum',
      { ...VALID, ttl: '8761h' },
      'ttl exceeds the longest life that is configured for API keys',
    ],
    [
      'a ttl without unit',
      { ...VALID, ttl: '60' },
      'ttl: must be a duration like "60s", "24h" or "90d"',
    ],
    [
      'a ttl as number',
      { ...VALID, ttl: 60 },
      'ttl: must be a duration like "60s", "24h" or "90d"',
    ],
    [
      'a fraction of a day',
      { ...VALID, ttl: '1.5d' },
      'ttl: must be a duration like "60s", "24h" or "90d"',
    ],
    ['metadata that is no object', { ...VALID, metadata: [1] }, 'metadata: must be a JSON object'],
    [
      '4097 bytes of metadata',
      { ...VALID, metadata: { x: 'y'.repeat(4097 - '{"x":""}'.length) } },
      'metadata: must have at most 4096 bytes as JSON',
    ],
    [
      'a zero quota',
      { ...VALID, rate_limit_policy: { quota: '0', window: '60s' } },
      'rate_limit_policy.quota: must be greater than 0',
    ],
    [
      'a negative quota',
      { ...VALID, rate_limit_policy: { quota: -1, window: '60s' } },
      'rate_limit_policy.quota: must be greater than 0',
    ],
    [
      'a short window',
      { ...VALID, rate_limit_policy: { quota: '1', window: '0.5s' } },
      'rate_limit_policy.window: must be at least 1 second',
    ],
    [
      'an hour as window',
      { ...VALID, rate_limit_policy: { quota: '1', window: '1h' } },
      'rate_limit_policy.window: must be a duration like "60s"',
    ],
    [
      'a bare address',
      { ...VALID, ip_restriction: { allowed_cidrs: ['10.0.0.1'] } },
      'ip_restriction.allowed_cidrs.0: must be a range like 10.0.0.0/8 or 2001:db8::/32',
    ],
    [
      '51 ranges',
      { ...VALID, ip_restriction: { allowed_cidrs: Array(51).fill('10.0.0.0/8') } },
      'ip_restriction.allowed_cidrs: must have at most 50 elements',
    ],
    [
      'an unknown enum',
      { ...VALID, visibility: 'KEY_VISIBILITY_HIDDEN' },
      'visibility: is not a value of this enum',
    ],
    [
      'an unknown number of an enum',
      { ...VALID, visibility: 3 },
      'visibility: is not a value of this enum',
    ],
    [
      "the client's sentinel",
      { ...VALID, visibility: '11184809' },
      'visibility: is not a value of this enum',
    ],
    [
      'a long request_id',
      { ...VALID, request_id: 'x'.repeat(37) },
      'request_id: must have at most 36 characters',
    ],
    ['a body that is no object', [VALID], 'must be a JSON object'],
  ])('refuses %s with 400 bad_request', async (_, request, message) => {
    const before = await countKeys();
    const response = await attempt(request);
    expect(response.status).toBe(400);
    const { error } = await response.json();
    expect(error).toMatchObject({ status: 'INVALID_ARGUMENT', message });
    expect(error.details[0].reason).toBe('BAD_REQUEST');
    expect(await countKeys()).toBe(before);
  });

  test.each([[{ quota: '5' }], [{ window: '60s' }], [{}]])(
    'reads half a rate limit policy (%j) back as none',
    async (policy) => {
      const { issued_api_key: key } = await issue({ rate_limit_policy: policy });
      expect(key).not.toHaveProperty('rate_limit_policy');
    },
  );

  test('reads an empty list of ranges back as no restriction', async () => {
    const { issued_api_key: key } = await issue({ ip_restriction: { allowed_cidrs: [] } });
    expect(key).not.toHaveProperty('ip_restriction');
  });

  test('keeps hostile metadata as data', async () => {
    const metadata = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}';
    const response = await attempt(`{"name":"n","actor_id":"a","metadata":${metadata}}`);
    expect(await response.text()).toContain(metadata);
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
  });
});

describe('request_id', () => {
  const newId = () => crypto.randomUUID();

  test('the same request again makes no second key and shows no secret', async () => {
    const request = { ...VALID, scopes: ['a'], metadata: { x: 1, y: 2 }, request_id: newId() };
    const first = await (await attempt(request)).json();
    const before = await countKeys();
    const again = await attempt({ ...request, metadata: { y: 2, x: 1 } });
    expect(again.status).toBe(201);
    const { issued_api_key: key } = first;
    expect(again.headers.get('location')).toBe(`${ISSUED}/${key.key_id}`);
    expect(await again.json()).toEqual({ issued_api_key: key, secret: '' });
    expect(await countKeys()).toBe(before);
  });

  test.each([
    ['name', { name: 'other' }],
    ['actor_id', { actor_id: 'other' }],
    ['scopes', { scopes: ['b'] }],
    ['the order of scopes', { scopes: ['b', 'a'] }],
    ['ttl', { ttl: '60s' }],
    ['metadata', { metadata: {} }],
    ['visibility', { visibility: 'KEY_VISIBILITY_PUBLIC' }],
    ['rate_limit_policy', { rate_limit_policy: { quota: '1', window: '60s' } }],
    ['ip_restriction', { ip_restriction: { allowed_cidrs: ['10.0.0.0/8'] } }],
  ])('used again with another %s is 409 conflict', async (_, change) => {
    const request = { ...VALID, scopes: ['a', 'b'], request_id: newId() };
    expect(await outcomeOf(await attempt(request))).toBe('201');
    const before = await countKeys();
    expect(await outcomeOf(await attempt({ ...request, ...change }))).toBe('409 conflict');
    expect(await countKeys()).toBe(before);
  });

  test('an empty one is none', async () => {
    const first = await issue({ request_id: '' });
    const second = await issue({ request_id: '' });
    expect(second.issued_api_key.key_id).not.toBe(first.issued_api_key.key_id);
  });

  test('a replay shows the key as it is now', async () => {
    const request = { ...VALID, request_id: newId() };
    const { issued_api_key: key } = await (await attempt(request)).json();
    await admin(`${ISSUED}/${key.key_id}:revoke`, { body: {} });
    const again = await (await attempt(request)).json();
    expect(again.issued_api_key.status).toBe('KEY_STATUS_REVOKED');
  });

  test('eight at once make one key, and one of them gets its secret', async () => {
    const before = await countKeys();
    const request = { ...VALID, request_id: newId() };
    const responses = await Promise.all(Array.from({ length: 8 }, () => attempt(request)));
    const answers = await Promise.all(responses.map((response) => response.json()));
    expect(responses.map(({ status }) => status)).toEqual(Array(8).fill(201));
    expect(new Set(answers.map((answer) => answer.issued_api_key.key_id)).size).toBe(1);
    expect(answers.filter(({ secret }) => secret !== '')).toHaveLength(1);
    expect(await countKeys()).toBe(before + 1);
  });

  test('eight different ones at once under one id: one wins, the rest conflict', async () => {
    const request_id = newId();
    const responses = await Promise.all(
      Array.from({ length: 8 }, (_, i) => attempt({ name: `n${i}`, actor_id: 'a', request_id })),
    );
    const outcomes = await Promise.all(responses.map(outcomeOf));
    expect(outcomes.sort()).toEqual(['201', ...Array(7).fill('409 conflict')]);
  });
});

describe('get', () => {
  test.each([
    ['an unknown id', crypto.randomUUID()],
    ['a malformed id', 'nonsense'],
    ['an id in capitals', crypto.randomUUID().toUpperCase()],
    ['an imported id', 'ab'.repeat(32)],
    ['a path', encodeURIComponent('../x')],
    ['a space and a colon', 'a%20b%3Ac'],
    ['bad percent-encoding', '%zz%E0%A4'],
    ['NUL', 'a%00b'],
    ['SQL', encodeURIComponent("' OR '1'='1")],
  ])('of %s is 404 api_key_not_found', async (_, id) => {
    expect(await outcomeOf(await admin(`${ISSUED}/${id}`))).toBe('404 api_key_not_found');
  });

  test('shows a key as expired from its expiry on', async () => {
    const { issued_api_key: key } = await issue();
    await expire(key.key_id);
    const found = await (await admin(`${ISSUED}/${key.key_id}`)).json();
    expect(found.status).toBe('KEY_STATUS_EXPIRED');
  });
});

async function expire(keyId: string): Promise<void> {
  const update = env.DB.prepare(
    `UPDATE api_keys SET expire_time_ms = CAST(unixepoch('subsec') * 1000 AS INTEGER) - 1
     WHERE key_id = ?`,
  );
  await update.bind(keyId).run();
}

describe('list', () => {
  const list = async (query: string) => (await admin(`${ISSUED}?${query}`)).json();
  const idsOf = (page: { issued_api_keys: { key_id: string }[] }) =>
    page.issued_api_keys.map(({ key_id }) => key_id);

  /** Keys of a fresh actor: two active, one revoked, one expired. */
  async function seed() {
    const actor = `actor "${crypto.randomUUID()}"`;
    const keys: string[] = [];
    for (let i = 0; i < 4; i++) {
      keys.push((await issue({ actor_id: actor })).issued_api_key.key_id);
    }
    const [revoked = '', expired = ''] = keys;
    await admin(`${ISSUED}/${revoked}:revoke`, { body: {} });
    await expire(expired);
    const quoted = `actor_id="${actor.replaceAll('"', '\\"')}"`;
    return { keys, revoked, expired, filter: encodeURIComponent(quoted) };
  }

  test('goes through all keys once, in descending order of their ids', async () => {
    const { keys, filter } = await seed();
    const seen: string[] = [];
    let pageToken = '';
    do {
      const page = await list(
        `filter=${filter}&page_size=3&page_token=${encodeURIComponent(pageToken)}`,
      );
      seen.push(...idsOf(page));
      pageToken = page.next_page_token;
    } while (pageToken !== '');
    expect(seen).toEqual(keys.toSorted().toReversed());
  });

  test('filters by actor and by computed status, alone or together', async () => {
    const { keys, revoked, expired, filter } = await seed();
    const live = keys.filter((id) => id !== revoked && id !== expired);
    const and = (status: string) => `filter=${filter}%20AND%20status%3DKEY_STATUS_${status}`;
    expect(idsOf(await list(and('REVOKED')))).toEqual([revoked]);
    expect(idsOf(await list(and('EXPIRED')))).toEqual([expired]);
    expect(idsOf(await list(and('ACTIVE'))).toSorted()).toEqual(live.toSorted());
    const page = await list(and('EXPIRED'));
    expect(page.issued_api_keys[0].status).toBe('KEY_STATUS_EXPIRED');
    const revokedAnywhere = await list('filter=status%3DKEY_STATUS_REVOKED&page_size=1000');
    expect(idsOf(revokedAnywhere)).toContain(revoked);
    expect(idsOf(revokedAnywhere)).not.toContain(expired);
  });

  test('of nobody is an empty page', async () => {
    expect(await list('filter=actor_id%3Dnobody')).toEqual({
      issued_api_keys: [],
      next_page_token: '',
    });
  });

  test('a page that ends exactly with the keys has no next one', async () => {
    const { filter } = await seed();
    const page = await list(`filter=${filter}&page_size=4`);
    expect(page.issued_api_keys).toHaveLength(4);
    expect(page.next_page_token).toBe('');
  });

  test('page_size=0 is the default, and camelCase is understood', async () => {
    const { filter } = await seed();
    expect(idsOf(await list(`filter=${filter}&page_size=0`))).toHaveLength(4);
    expect(idsOf(await list(`filter=${filter}&pageSize=2`))).toHaveLength(2);
  });

  test.each([
    ['page_size=1001', 'page_size: must be from 0 to 1000'],
    ['page_size=-1', 'page_size: must be from 0 to 1000'],
    ['page_size=ten', 'page_size: must be an integer of 64 bits'],
    ['page_size=', 'page_size: must be an integer of 64 bits'],
    ['page_size=1&page_size=2', 'A query parameter is given twice.'],
    ['page_token=nonsense', 'page_token: is not one of this listing, or has expired'],
    [`page_token=${'A'.repeat(1025)}`, 'page_token: must have at most 1024 characters'],
    ['filter=name%3Dx', 'filter: has an unknown field'],
    ['filter=actor_id%3Da%20OR%20actor_id%3Db', 'filter: joins clauses by something else than AND'],
    [`filter=actor_id%3D${'a'.repeat(500)}`, 'filter: must have at most 500 characters'],
  ])('%s is 400 bad_request', async (query, message) => {
    const response = await admin(`${ISSUED}?${query}`);
    expect(response.status).toBe(400);
    expect((await response.json()).error).toMatchObject({ message, status: 'INVALID_ARGUMENT' });
  });

  test('a page token is good for its own filter alone', async () => {
    const { filter } = await seed();
    const { next_page_token: token } = await list(`filter=${filter}&page_size=1`);
    const good = await admin(`${ISSUED}?filter=${filter}&page_token=${token}`);
    expect(await outcomeOf(good)).toBe('200');
    const bad = await admin(`${ISSUED}?page_token=${token}`);
    expect(await outcomeOf(bad)).toBe('400 bad_request');
  });
});

test('the database holds no issued secret, in whole or in part', async () => {
  const secrets: string[] = [];
  for (let i = 0; i < 5; i++) secrets.push((await issue()).secret);
  const [first = ''] = secrets;
  await admin('/v2alpha1/admin/apiKeys:verify', { body: { credential: first } });
  const tables = await env.DB.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
  let dump = '';
  for (const { name } of tables.results) {
    if (String(name).startsWith('_cf_')) continue;
    dump += JSON.stringify((await env.DB.prepare(`SELECT * FROM "${name}"`).all()).results);
  }
  expect(dump).toContain('"secret_hash"');
  for (const secret of secrets) {
    const [identifier = '', checksum = ''] = secret.split('_').slice(2);
    for (const part of [secret, identifier, checksum, identifier.slice(24)]) {
      expect(part.length).toBeGreaterThan(7);
      expect(dump).not.toContain(part);
    }
  }
});
