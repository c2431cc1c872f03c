/**
 * Guarantee: every route that changes anything writes one event for each change, which says who did
 * what to which object, from where and under which request id, and never a secret. Whoever adds a
 * route must say here what it writes.
 */

import { env } from 'cloudflare:workers';
import { encodeHex } from '@cardea/shared/bytes/hex';
import { encodeUtf8 } from '@cardea/shared/bytes/utf8';
import { sha256 } from '@cardea/shared/crypto/digest';
import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import { beforeAll, describe, expect, test } from 'vitest';
import { admin, anonymous, IMPORTED, ISSUED, issue, outcomeOf } from '../../testing/api.ts';
import { publish } from '../../testing/hub.ts';
import { routesOf } from '../app.ts';
import { readConfig } from '../config.workers.ts';
import { createWorkerDeps } from '../worker.ts';

/** Every secret that this file has seen. */
const secrets: string[] = [env.TEST_ADMIN_TOKEN, env.CARDEA_SECRET];

const KEYS = '/v2alpha1/admin/apiKeys';
const CREDENTIALS = '/v1/admin/credentials';
const TENANTS = '/v1/admin/tenants';
const EDGES = '/v1/admin/edges';
const ADDRESS = '192.0.2.77';

interface Mutation {
  readonly path: string;
  readonly method?: string;
  readonly body?: unknown;
  readonly isAnonymous?: boolean;
  /** Whose event it is: key id, credential id, tenant id, kid. Absent: it is in the answer alone. */
  readonly target?: string;
  readonly operation: string;
  /** Names of the changed fields, at least. */
  readonly fields: readonly string[];
  readonly count?: number;
}

let serial = 0;
const rawKey = () => {
  const text = `legacy-${++serial}-${crypto.randomUUID()}`;
  secrets.push(text);
  return text;
};

async function issued(request = {}) {
  const answer = await issue({ metadata: { team: 'blue' }, ...request });
  secrets.push(answer.secret);
  return { id: answer.issued_api_key.key_id as string, secret: answer.secret as string };
}

async function created(path: string, body: unknown) {
  const response = await admin(path, { body });
  if (!response.ok) throw new Error(`${path} answered ${await outcomeOf(response)}`);
  const answer = await response.json();
  if (answer.secret !== undefined) secrets.push(answer.secret);
  return answer;
}

const imported = async () =>
  (await created(IMPORTED, { name: 'old', actor_id: 'a', raw_key: rawKey() })).key_id as string;
const credential = async () =>
  (await created(CREDENTIALS, { name: 'ci', role: 'issuer' })).admin_credential.credential_id;
const newEdge = () => ({
  ...{ name: `edge-${++serial}`, tenants: [DEFAULT_TENANT_ID], audiences: ['https://a.example'] },
});
const tenant = async () => {
  const answer = await created(TENANTS, { name: 'acme', hosts: [`t${++serial}.example.test`] });
  return (answer.tenant?.tenant_id ?? answer.tenant_id) as string;
};

/** By method and path template: what a call of the route changes. */
const MUTATIONS: Readonly<Record<string, () => Promise<Mutation>>> = {
  'POST /v2alpha1/admin/issuedApiKeys': async () => ({
    ...{ path: ISSUED, body: { name: 'k', actor_id: 'a', scopes: ['s'], metadata: { a: 1 } } },
    ...{ operation: 'api_key.issue', fields: ['name', 'actor_id', 'scopes', 'metadata'] },
  }),
  'PATCH /v2alpha1/admin/issuedApiKeys/{key_id}': async () => {
    const { id } = await issued();
    return {
      ...{ path: `${ISSUED}/${id}`, method: 'PATCH', body: { name: 'new' }, target: id },
      ...{ operation: 'api_key.update', fields: ['name'] },
    };
  },
  'POST /v2alpha1/admin/issuedApiKeys/{key_id}:rotate': async () => {
    const { id } = await issued();
    const operation = 'api_key.rotate';
    return { path: `${ISSUED}/${id}:rotate`, body: {}, target: id, operation, fields: ['key_id'] };
  },
  'POST /v2alpha1/admin/issuedApiKeys/{key_id}:revoke': async () => {
    const { id } = await issued();
    const operation = 'api_key.revoke';
    return { path: `${ISSUED}/${id}:revoke`, body: {}, target: id, operation, fields: ['status'] };
  },
  'POST /v2alpha1/admin/apiKeys/{key_id}:revoke': async () => {
    const { id } = await issued();
    const operation = 'api_key.revoke';
    return { path: `${KEYS}/${id}:revoke`, body: {}, target: id, operation, fields: ['status'] };
  },
  'POST /v2alpha1/admin/issuedApiKeys/{key_id}:disable': async () => {
    const { id } = await issued();
    const operation = 'api_key.disable';
    return { path: `${ISSUED}/${id}:disable`, body: {}, target: id, operation, fields: ['status'] };
  },
  'POST /v2alpha1/admin/issuedApiKeys/{key_id}:enable': async () => {
    const { id } = await issued();
    await admin(`${ISSUED}/${id}:disable`, { body: {} });
    const operation = 'api_key.enable';
    return { path: `${ISSUED}/${id}:enable`, body: {}, target: id, operation, fields: ['status'] };
  },
  'POST /v2alpha1/apiKeys:selfRevoke': async () => {
    const { id, secret } = await issued();
    return {
      ...{ path: '/v2alpha1/apiKeys:selfRevoke', body: { credential: secret }, isAnonymous: true },
      ...{ target: id, operation: 'api_key.self_revoke', fields: ['status'] },
    };
  },
  'POST /v2alpha1/admin/importedApiKeys': async () => ({
    ...{ path: IMPORTED, body: { name: 'k', actor_id: 'a', raw_key: rawKey() } },
    ...{ operation: 'api_key.import', fields: ['name', 'actor_id'] },
  }),
  'POST /v2alpha1/admin/importedApiKeys:batchCreate': async () => ({
    path: `${IMPORTED}:batchCreate`,
    body: {
      requests: [
        { name: 'a', actor_id: 'a', raw_key: rawKey() },
        { name: '', actor_id: 'a' },
        { name: 'b', actor_id: 'a', raw_key: rawKey() },
      ],
    },
    ...{ operation: 'api_key.import', fields: ['name'], count: 2 },
  }),
  'PATCH /v2alpha1/admin/importedApiKeys/{key_id}': async () => {
    const id = await imported();
    return {
      ...{ path: `${IMPORTED}/${id}`, method: 'PATCH', body: { scopes: ['x'] }, target: id },
      ...{ operation: 'api_key.update', fields: ['scopes'] },
    };
  },
  'POST /v2alpha1/admin/importedApiKeys/{key_id}:revoke': async () => {
    const id = await imported();
    const operation = 'api_key.revoke';
    return {
      path: `${IMPORTED}/${id}:revoke`,
      body: {},
      target: id,
      operation,
      fields: ['status'],
    };
  },
  'POST /v2alpha1/admin/importedApiKeys/{key_id}:disable': async () => {
    const id = await imported();
    const path = `${IMPORTED}/${id}:disable`;
    return { path, body: {}, target: id, operation: 'api_key.disable', fields: ['status'] };
  },
  'POST /v2alpha1/admin/importedApiKeys/{key_id}:enable': async () => {
    const id = await imported();
    await admin(`${IMPORTED}/${id}:disable`, { body: {} });
    const path = `${IMPORTED}/${id}:enable`;
    return { path, body: {}, target: id, operation: 'api_key.enable', fields: ['status'] };
  },
  'DELETE /v2alpha1/admin/importedApiKeys/{key_id}': async () => {
    const id = await imported();
    const path = `${IMPORTED}/${id}`;
    return { path, method: 'DELETE', target: id, operation: 'api_key.delete', fields: ['name'] };
  },
  'POST /v1/admin/signingKeys:rotate': async () => {
    await env.DB.exec("DELETE FROM signing_keys WHERE state = 'pending'");
    const path = '/v1/admin/signingKeys:rotate';
    return { path, body: {}, operation: 'signing_key.rotate', fields: ['kid', 'algorithm'] };
  },
  'POST /v1/admin/revocations': async () => ({
    path: '/v1/admin/revocations',
    body: { target: 'actor', subject: 'ada', reason: 'lost a laptop' },
    ...{ operation: 'revocation.create', fields: ['target', 'subject', 'extent', 'reason'] },
  }),
  'POST /v1/admin/revocations:batchCreate': async () => ({
    path: '/v1/admin/revocations:batchCreate',
    body: {
      revocations: [
        { target: 'token', subject: crypto.randomUUID() },
        { target: 'actor', subject: 'ada', cut_off_time: '2026-01-31T12:00:00Z' },
      ],
    },
    ...{ operation: 'revocation.create', fields: ['target', 'subject', 'extent'], count: 2 },
  }),
  'POST /v1/admin/credentials': async () => ({
    ...{ path: CREDENTIALS, body: { name: 'ci', role: 'auditor' } },
    ...{ operation: 'admin_credential.create', fields: ['name', 'role'] },
  }),
  'POST /v1/admin/credentials/{credential_id}:rotate': async () => {
    const id = await credential();
    const operation = 'admin_credential.rotate';
    const fields = ['credential_id'];
    return { path: `${CREDENTIALS}/${id}:rotate`, body: {}, target: id, operation, fields };
  },
  'POST /v1/admin/credentials/{credential_id}:revoke': async () => {
    const id = await credential();
    const operation = 'admin_credential.revoke';
    return { path: `${CREDENTIALS}/${id}:revoke`, body: {}, target: id, operation, fields: [] };
  },
  'POST /v1/admin/edges': async () => ({
    ...{ path: EDGES, body: newEdge(), operation: 'edge.create' },
    fields: ['name', 'tenants', 'audiences'],
  }),
  'POST /v1/admin/edges/{edge_id}:rotate': async () => {
    const { edge } = await created(EDGES, newEdge());
    const [path, target] = [`${EDGES}/${edge.edge_id}:rotate`, edge.edge_id];
    const body = { overlap: '1h' };
    return { path, body, target, operation: 'edge.rotate', fields: ['secret', 'overlap'] };
  },
  'POST /v1/admin/edges/{edge_id}:revoke': async () => {
    const { edge } = await created(EDGES, newEdge());
    const [path, target] = [`${EDGES}/${edge.edge_id}:revoke`, edge.edge_id];
    return { path, body: {}, target, operation: 'edge.revoke', fields: ['status'] };
  },
  'POST /v1/admin/tenants': async () => ({
    ...{ path: TENANTS, body: { name: 'acme', hosts: [`t${++serial}.example.test`] } },
    ...{ operation: 'tenant.create', fields: ['name', 'hosts'] },
  }),
  'PATCH /v1/admin/tenants/{tenant_id}': async () => {
    const id = await tenant();
    return {
      ...{ path: `${TENANTS}/${id}`, method: 'PATCH', body: { name: 'new' }, target: id },
      ...{ operation: 'tenant.update', fields: ['name'] },
    };
  },
  'DELETE /v1/admin/tenants/{tenant_id}': async () => {
    const id = await tenant();
    const path = `${TENANTS}/${id}`;
    return { path, method: 'DELETE', target: id, operation: 'tenant.delete', fields: ['name'] };
  },
};

/** They answer a question, or hand out a token: nothing of ours is another one afterwards. */
const QUESTIONS = [
  'POST /v2alpha1/admin/apiKeys:verify',
  'POST /v2alpha1/admin/apiKeys:batchVerify',
  'POST /v2alpha1/admin/apiKeys:derive',
  'POST /oauth2/token',
  'POST /v1/discharge',
  'POST /v1/discharge/caveats',
  'POST /v1/admin/auditEvents:verify',
  'POST /v1/admin/auditEvents:compare',
];

test('every route that is not a GET is known here', async () => {
  const routes = routesOf(await createWorkerDeps(readConfig(env)), 'all');
  const others = routes.filter(({ method }) => method !== 'GET');
  expect(others.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(
    [...Object.keys(MUTATIONS), ...QUESTIONS].sort(),
  );
});

async function call({ path, method, body, isAnonymous }: Mutation, requestId: string) {
  const headers = { 'X-Request-ID': requestId, 'CF-Connecting-IP': ADDRESS };
  const options = { headers, body, ...(method === undefined ? {} : { method }) };
  const response = await (isAnonymous ? anonymous : admin)(path, options);
  const text = await response.clone().text();
  const secret = text === '' ? undefined : JSON.parse(text).secret;
  if (typeof secret === 'string' && secret !== '') secrets.push(secret);
  return response;
}

async function eventsOf(requestId: string) {
  const { results } = await env.DB.prepare('SELECT * FROM audit_events WHERE request_id = ?')
    .bind(requestId)
    .all();
  return results;
}

beforeAll(async () => {
  await publish(); // The tenant's first signing key.
});

describe.each(Object.entries(MUTATIONS))('%s', (_, prepare) => {
  test('writes one event for each change, and none when it is refused', async () => {
    const mutation = await prepare();
    const { isAnonymous = false, operation, target, fields, count = 1 } = mutation;
    const requestId = `audit-${++serial}`;
    const response = await call(mutation, requestId);
    expect(response.ok, await outcomeOf(response.clone())).toBe(true);

    const events = await eventsOf(requestId);
    expect(events).toHaveLength(count);
    for (const event of events) {
      expect(event).toMatchObject({
        operation,
        target_id: target ?? expect.stringMatching(/^[\w-]{36,64}$/),
        caller_kind: isAnonymous ? 'key_holder' : 'bootstrap',
        caller_id: isAnonymous ? target : '',
        caller_role: isAnonymous ? null : 'owner',
        client_address: ADDRESS,
      });
      const changes = JSON.parse(String(event.changes));
      expect(Object.keys(changes)).toEqual(expect.arrayContaining([...fields]));
      for (const change of Object.values<object>(changes)) {
        expect(['before', 'after']).toEqual(expect.arrayContaining(Object.keys(change)));
      }
    }

    // The same once more: refused, or without any effect, or another object altogether.
    const again = `audit-${++serial}`;
    const repeated = await call(mutation, again);
    const isNew = target === undefined && repeated.ok;
    const isRepeatable = operation.endsWith('.update') || operation.endsWith('able');
    if (!isNew && !isRepeatable) expect(await eventsOf(again)).toEqual([]);
    const unknown = `audit-${++serial}`;
    await call({ ...mutation, path: `${mutation.path}x`, isAnonymous: true }, unknown);
    expect(await eventsOf(unknown)).toEqual([]);
  });
});

test('a replay of a request is no second change', async () => {
  const body = { name: 'k', actor_id: 'a', request_id: crypto.randomUUID() };
  const mutation = { path: ISSUED, body, operation: '', fields: [] };
  await call(mutation, 'first-time');
  await call(mutation, 'second-time');
  expect(await eventsOf('first-time')).toHaveLength(1);
  expect(await eventsOf('second-time')).toEqual([]);
});

test('no event holds a secret, a part of one, or a hash of one', async () => {
  const { results } = await env.DB.prepare('SELECT * FROM audit_events').all();
  expect(results.length).toBeGreaterThan(40);
  const events = JSON.stringify(results);
  const canaries = [...secrets];
  for (const text of secrets) {
    canaries.push(encodeHex(await sha256(encodeUtf8(text))));
    // Of an issued key, what follows prefix and version: the random part and the checksum.
    canaries.push(...text.split('_').filter((part) => part.length > 10));
  }
  for (const table of ['api_keys', 'admin_credentials']) {
    const rows = await env.DB.prepare(
      `SELECT secret_hash FROM ${table} WHERE secret_hash <> ''`,
    ).all<{ secret_hash: string }>();
    expect(rows.results.length).toBeGreaterThan(0);
    canaries.push(...rows.results.map(({ secret_hash: hash }) => hash));
  }
  expect(secrets.length).toBeGreaterThan(25);
  expect(canaries.filter((canary) => events.includes(canary))).toEqual([]);
  // The search finds what is there.
  expect(events).toContain('"blue');
});

test('the log of all that is whole', async () => {
  await publish();
  await publish();
  const verification = await (await admin('/v1/admin/auditEvents:verify', { body: {} })).json();
  expect(verification).not.toHaveProperty('problem');
  expect(verification.verified_count).toBeGreaterThan(40);
  expect(verification.head_position).toBeGreaterThan(40);
});
