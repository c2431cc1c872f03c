/**
 * Guarantee: over HTTP, whatever belongs to one tenant is unknown to another: ids, keys, tokens, page
 * tokens, request ids, at the control plane and at the edges. The two have the same of everything.
 */

import { env } from 'cloudflare:workers';
import { createEdge } from '@cardea/edge-worker/edge';
import { createEdgeFeed } from '@cardea/edge-worker/feed/create-edge-feed';
import { createKvFeedSource } from '@cardea/edge-worker/feed/kv-feed-source';
import { parseRoutes } from '@cardea/edge-worker/routes';
import { importFeedKeys } from '@cardea/shared/feed/feed-key';
import { unixMilliseconds } from '@cardea/shared/time';
import { beforeAll, describe, expect, test } from 'vitest';
import { admin, anonymous, type Call, ISSUED, outcomeOf } from '../../testing/api.ts';
import { auditOf } from '../../testing/contracts/fixtures.ts';
import { publish } from '../../testing/hub.ts';
import { createTenantStore } from '../database/tenant-store.d1.ts';

const A = crypto.randomUUID();
const B = crypto.randomUUID();
const hosts = { [A]: 'a.tenants.example', [B]: 'b.tenants.example' };
const originOf = (tenantId: string) => `https://${hosts[tenantId]}`;
const IMPORTED = '/v2alpha1/admin/importedApiKeys';
const VERIFY = '/v2alpha1/admin/apiKeys:verify';
const DERIVE = '/v2alpha1/admin/apiKeys:derive';

/** What each of the two has, under the same names. */
interface World {
  readonly keyId: string;
  readonly secret: string;
  readonly importedId: string;
  readonly token: string;
  readonly pageToken: string;
  readonly adminSecret: string;
}

let a: World;
let b: World;

/** A call as the administrator of the deployment, under the host of a tenant. */
const as = (tenantId: string, path: string, call: Call = {}) =>
  admin(path, { origin: originOf(tenantId), ...call });

const exchangeAt = (tenantId: string, secret: string, scope = 'notes:read') =>
  anonymous('/oauth2/token', {
    origin: originOf(tenantId),
    method: 'POST',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: String(
      new URLSearchParams({ grant_type: 'client_credentials', client_secret: secret, scope }),
    ),
  });

const NEW_KEY = { name: 'same', actor_id: 'alice', scopes: ['notes:read'], request_id: 'same' };
const RAW_KEY = 'the-same-raw-key-from-another-system-0123456789';

async function fill(tenantId: string): Promise<World> {
  const issued = await (await as(tenantId, ISSUED, { body: NEW_KEY })).json();
  await as(tenantId, ISSUED, { body: { ...NEW_KEY, name: 'second', request_id: 'second' } });
  const raw = { raw_key: RAW_KEY, name: 'same', actor_id: 'alice' };
  const imported = await (await as(tenantId, IMPORTED, { body: raw })).json();
  const token = (await (await exchangeAt(tenantId, issued.secret)).json()).access_token;
  const page = await (await as(tenantId, `${ISSUED}?page_size=1`)).json();
  const credential = { name: 'same', role: 'owner', tenant_id: tenantId };
  const made = await (await admin('/v1/admin/credentials', { body: credential })).json();
  return {
    ...{ keyId: issued.issued_api_key.key_id, secret: issued.secret, token },
    ...{ importedId: imported.key_id, pageToken: page.next_page_token, adminSecret: made.secret },
  };
}

/** Every row that belongs to a tenant. */
async function rowsOf(tenantId: string): Promise<unknown[]> {
  const tables = ['api_keys', 'idempotent_requests', 'revocations', 'signing_keys', 'tenants'];
  const others = ['tenant_hosts', 'admin_credentials', 'audit_events'];
  const queries = [...tables, ...others].map((table) =>
    env.DB.prepare(`SELECT * FROM ${table} WHERE nid = ? ORDER BY 1, 2`).bind(tenantId),
  );
  return (await env.DB.batch(queries)).map(({ results }: { results: unknown }) => results);
}

beforeAll(async () => {
  // Before the first head: keys that come later wait until they have reached KV everywhere.
  for (const tenantId of [A, B]) {
    const origin = originOf(tenantId);
    const settings = { issuer: origin, audience: 'https://api.example' };
    const tenant = { tenantId, name: 'same', hosts: [hosts[tenantId] ?? ''], settings };
    await createTenantStore(env.DB).insert(tenant, auditOf(tenantId, tenantId, 'tenant.create'));
  }
  await publish();
  [a, b] = [await fill(A), await fill(B)];
}, 30_000);

describe('two tenants with the same of everything', () => {
  test('have keys, imported keys and tokens of their own', () => {
    for (const name of ['keyId', 'secret', 'importedId', 'token', 'pageToken'] as const) {
      expect(a[name]).toMatch(/./);
      expect(b[name]).not.toBe(a[name]);
    }
  });

  test('have issuers and signing keys of their own', async () => {
    const kids = [];
    for (const tenantId of [A, B]) {
      const origin = originOf(tenantId);
      const metadata = await anonymous('/.well-known/oauth-authorization-server', { origin });
      expect(await metadata.json()).toMatchObject({
        ...{ issuer: origin, jwks_uri: `${origin}/v2alpha1/derivedKeys/jwks.json` },
      });
      const jwks = await anonymous('/v2alpha1/derivedKeys/jwks.json', { origin });
      kids.push(...(await jwks.json()).keys.map(({ kid }: { kid: string }) => kid));
    }
    expect(new Set(kids).size).toBe(2);
  });
});

const post = (body: unknown = {}): Call => ({ method: 'POST', body });
const verdict = async (response: Response) => {
  const { is_valid: isValid, error_code: code } = await response.json();
  return isValid ? 'valid' : code;
};

/** What is asked of a tenant about a world, and what it answers about its own and about another's. */
const OPERATIONS: ReadonlyArray<
  readonly [
    what: string,
    ask: (tenantId: string, world: World) => Promise<string>,
    expected: { readonly own: string; readonly others: string },
  ]
> = [
  [
    'get',
    async (t, { keyId }) => outcomeOf(await as(t, `${ISSUED}/${keyId}`)),
    { own: '200', others: '404 api_key_not_found' },
  ],
  [
    'get an imported key',
    async (t, { importedId }) => outcomeOf(await as(t, `${IMPORTED}/${importedId}`)),
    { own: '200', others: '404 api_key_not_found' },
  ],
  [
    'go on with a listing',
    async (t, { pageToken }) =>
      outcomeOf(await as(t, `${ISSUED}?page_size=1&page_token=${pageToken}`)),
    { own: '200', others: '400 bad_request' },
  ],
  [
    'verify a key',
    async (t, { secret }) => verdict(await as(t, VERIFY, post({ credential: secret }))),
    { own: 'valid', others: 'VERIFICATION_ERROR_NOT_FOUND' },
  ],
  [
    'verify a token',
    async (t, { token }) => verdict(await as(t, VERIFY, post({ credential: token }))),
    { own: 'valid', others: 'VERIFICATION_ERROR_SIGNATURE_INVALID' },
  ],
  [
    'verify several',
    async (t, { secret, token }) => {
      const requests = [{ credential: secret }, { credential: token }];
      const response = await as(t, '/v2alpha1/admin/apiKeys:batchVerify', post({ requests }));
      const { results } = await response.json();
      return results.map(({ is_valid: isValid }: { is_valid: boolean }) => isValid).join();
    },
    { own: 'true,true', others: 'false,false' },
  ],
  [
    'derive from a key',
    async (t, { secret }) => outcomeOf(await as(t, DERIVE, post({ credential: secret }))),
    { own: '200', others: '401 parent_key_invalid' },
  ],
  [
    'derive from a token',
    async (t, { token }) => outcomeOf(await as(t, DERIVE, post({ credential: token, ttl: '60s' }))),
    { own: '200', others: '401 parent_key_invalid' },
  ],
  [
    'exchange',
    async (t, { secret }) => {
      const response = await exchangeAt(t, secret);
      return response.ok ? '200' : `${response.status} ${(await response.json()).error}`;
    },
    { own: '200', others: '401 invalid_client' },
  ],
  [
    'act with an admin credential',
    async (t, { adminSecret }) =>
      outcomeOf(await as(t, ISSUED, { headers: { Authorization: `Bearer ${adminSecret}` } })),
    { own: '200', others: '403 forbidden' },
  ],
  [
    'update',
    async (t, { keyId }) =>
      outcomeOf(await as(t, `${ISSUED}/${keyId}`, { method: 'PATCH', body: { name: 'x' } })),
    { own: '200', others: '404 api_key_not_found' },
  ],
  [
    'disable',
    async (t, { keyId }) => outcomeOf(await as(t, `${ISSUED}/${keyId}:disable`, post())),
    { own: '200', others: '404 api_key_not_found' },
  ],
  [
    'enable',
    async (t, { keyId }) => outcomeOf(await as(t, `${ISSUED}/${keyId}:enable`, post())),
    { own: '200', others: '404 api_key_not_found' },
  ],
  [
    'update an imported key',
    async (t, { importedId }) =>
      outcomeOf(await as(t, `${IMPORTED}/${importedId}`, { method: 'PATCH', body: { name: 'x' } })),
    { own: '200', others: '404 api_key_not_found' },
  ],
  [
    'delete an imported key',
    async (t, { importedId }) =>
      outcomeOf(await as(t, `${IMPORTED}/${importedId}`, { method: 'DELETE' })),
    { own: '204', others: '404 api_key_not_found' },
  ],
  [
    'rotate',
    async (t, { keyId }) => outcomeOf(await as(t, `${ISSUED}/${keyId}:rotate`, post())),
    { own: '201', others: '404 api_key_not_found' },
  ],
  [
    'revoke',
    async (t, { keyId }) =>
      outcomeOf(await as(t, `/v2alpha1/admin/apiKeys/${keyId}:revoke`, post())),
    { own: '409 conflict', others: '404 api_key_not_found' },
  ],
  [
    'give a key up',
    async (t, { secret }) => {
      const origin = originOf(t);
      const body = { credential: secret };
      return outcomeOf(await anonymous('/v2alpha1/apiKeys:selfRevoke', { origin, ...post(body) }));
    },
    { own: '200', others: '404 api_key_not_found' },
  ],
];

describe("what one tenant asks about another's", () => {
  test.each(OPERATIONS)('%s is refused, and changes nothing', async (_, ask, { others }) => {
    const before = [await rowsOf(A), (await rowsOf(B)).slice(0, 4)];
    expect(await ask(B, a)).toBe(others);
    expect([await rowsOf(A), (await rowsOf(B)).slice(0, 4)]).toEqual(before);
  });

  test('the lists show a credential of one tenant its own alone', async () => {
    for (const [tenantId, world, other] of [
      [A, a, b],
      [B, b, a],
    ] as const) {
      const headers = { Authorization: `Bearer ${world.adminSecret}` };
      const { issued_api_keys: keys } = await (await as(tenantId, ISSUED, { headers })).json();
      expect(keys).toHaveLength(2);
      const lists = [ISSUED, IMPORTED, '/v1/admin/auditEvents', '/v1/admin/credentials'];
      const texts: string[] = [];
      for (const path of [...lists, '/v1/admin/signingKeys']) {
        const response = await as(tenantId, path, { headers });
        expect([path, response.status]).toEqual([path, 200]);
        texts.push(await response.text());
      }
      expect(texts.join()).toContain(world.keyId);
      const foreign = [
        tenantId === A ? B : A,
        other.keyId,
        other.importedId,
        `${hosts[other === a ? A : B]}`,
      ];
      expect(foreign.filter((text) => texts.join().includes(text))).toEqual([]);
    }
  });

  test('a request id that both used is answered with the own key', async () => {
    for (const [tenantId, world] of [
      [A, a],
      [B, b],
    ] as const) {
      const again = await (await as(tenantId, ISSUED, { body: NEW_KEY })).json();
      expect([again.issued_api_key.key_id, again.secret]).toEqual([world.keyId, '']);
    }
  });

  test('a credential of one sees and changes no tenants, and acts on its own from the main host', async () => {
    const headers = { Authorization: `Bearer ${b.adminSecret}` };
    for (const [method, path] of [
      ['GET', '/v1/admin/tenants'],
      ['GET', `/v1/admin/tenants/${B}`],
      ['PATCH', `/v1/admin/tenants/${B}`],
      ['DELETE', `/v1/admin/tenants/${B}?force=true`],
    ] as const) {
      const body = method === 'PATCH' ? { name: 'x' } : undefined;
      const response = await admin(path, { method, headers, ...(body ? { body } : {}) });
      expect(await outcomeOf(response)).toBe('403 forbidden');
    }
    const create = await admin('/v1/admin/tenants', { headers, body: { name: 'x' } });
    expect(await outcomeOf(create)).toBe('403 forbidden');
    expect((await admin(`${ISSUED}/${b.keyId}`, { headers })).status).toBe(200);
    const others = await admin(`${ISSUED}/${a.keyId}`, { headers });
    expect(await outcomeOf(others)).toBe('404 api_key_not_found');
    const named = { ...headers, 'Cardea-Tenant': A };
    expect(await outcomeOf(await admin(ISSUED, { headers: named }))).toBe('403 forbidden');
  });
});

describe('an edge', () => {
  /** An edge of a tenant, on the feed that the control plane has published; its origin says 200. */
  async function edgeOf(tenantId: string) {
    const feedKeys = await importFeedKeys([JSON.parse(env.FEED_SIGNING_KEY).x]);
    if (!feedKeys.ok) throw new Error('The feed key is refused.');
    const feed = createEdgeFeed({
      source: createKvFeedSource(env.FEED),
      ...{ environmentId: env.ENVIRONMENT_ID, feedKeys: feedKeys.value },
      ...{ hardSeconds: 120, clockSkewSeconds: 60, clock: () => unixMilliseconds(Date.now()) },
    });
    const edge = createEdge({
      config: {
        environmentId: env.ENVIRONMENT_ID,
        jwtPolicy: {
          ...{ issuer: originOf(tenantId), audience: 'https://api.example', tenantId },
          ...{ lifetimeSecondsMax: 86_400, clockSkewSeconds: 60 },
        },
        ...{ feedHardSeconds: 120, clockSkewSeconds: 60, originBase: 'http://origin.example' },
        routes: parseRoutes([{ path: '/v1/*', scopes: ['notes:read'] }], () => {}),
        forwardCredential: false,
      },
      feed,
      now: () => Date.now(),
      fetchOrigin: async () => new Response('from the origin'),
      requestId: () => 'request',
      log: () => {},
    });
    return async (token: string) => {
      const headers = { Authorization: `Bearer ${token}` };
      const work: Promise<unknown>[] = [];
      const request = new Request('https://api.example/v1/notes', { headers });
      const response = await edge(request, { waitUntil: (promise) => work.push(promise) });
      await Promise.all(work);
      return response.ok ? '200' : `${response.status} ${(await response.json()).code}`;
    };
  }

  test('of one tenant takes its tokens, and refuses those of another and of the default one', async () => {
    const { secret } = await (await admin(ISSUED, { body: NEW_KEY })).json();
    const form = { grant_type: 'client_credentials', client_secret: secret };
    const exchanged = await anonymous('/oauth2/token', {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      body: String(new URLSearchParams(form)),
    });
    const { access_token: ofDefault } = await exchanged.json();
    for (const [tenantId, own, other] of [
      [A, a, b],
      [B, b, a],
    ] as const) {
      const edge = await edgeOf(tenantId);
      expect(await edge(own.token)).toBe('200');
      expect(await edge(other.token)).toMatch(/^401 (tenant|issuer)_mismatch$/);
      expect(await edge(ofDefault)).toMatch(/^401 (tenant|issuer|audience)_mismatch$/);
    }
  });

  test('refuses the tokens of a tenant that was deleted', async () => {
    const edge = await edgeOf(B);
    expect(await edge(b.token)).toBe('200');
    const deleted = await admin(`/v1/admin/tenants/${B}?force=true`, { method: 'DELETE' });
    expect(deleted.headers.get('cardea-revocation')).toBe('acknowledged');
    await publish();
    expect(await (await edgeOf(B))(b.token)).toBe('401 token_revoked');
    expect(await (await edgeOf(A))(a.token)).toBe('200');
  });
});

describe('the positive control: the same, asked by the tenant itself', () => {
  test.each(OPERATIONS)('%s', async (_, ask, { own }) => {
    expect(await ask(A, a)).toBe(own);
  });
});
