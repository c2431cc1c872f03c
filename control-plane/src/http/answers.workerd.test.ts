/**
 * Guarantee: /openapi.json says of every route what it really answers. The routes are those of the
 * router, so one that is added later fails here until it shows a sample; the schemas are closed, so a
 * member that the document does not have is found.
 */

import { env } from 'cloudflare:workers';
import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { makeAdmin, makeTenant } from '../../testing/administrators.ts';
import {
  admin,
  anonymous,
  type Call,
  IMPORTED,
  ISSUED,
  importKey,
  issue,
} from '../../testing/api.ts';
import { headInKv, publish, segmentInHub } from '../../testing/hub.ts';
import { routesOf } from '../app.ts';
import { readConfig } from '../config.workers.ts';
import { AuditEventMessage } from '../routes/messages/audit-event.ts';
import { createWorkerDeps } from '../worker.ts';
import type { Answer, Route } from './route.ts';

const routes = routesOf(await createWorkerDeps(readConfig(env)), 'all');
const document = await (await anonymous('/openapi.json')).json();

/** With every optional member that a request can bring about. */
const FULL = {
  scopes: ['a'],
  metadata: { plan: 'x' },
  rate_limit_policy: { quota: '5', window: '60s' },
  ip_restriction: { allowed_cidrs: ['192.0.2.0/24', '2001:db8::/32'] },
  visibility: 'KEY_VISIBILITY_PUBLIC',
};
const FROM = { headers: { 'cf-connecting-ip': '192.0.2.1' } };
const TENANTS = '/v1/admin/tenants';
const CREDENTIALS = '/v1/admin/credentials';
const EVENTS = '/v1/admin/auditEvents';
const EDGES = '/v1/admin/edges';
const REVOCATIONS = '/v1/admin/revocations';

const issuedId = async (request = {}) => (await issue(request)).issued_api_key.key_id;
const importedId = async (request = {}) => (await importKey(request)).key_id;
const post = (path: string, body: unknown = {}) => admin(path, { body, ...FROM });
const patch = (path: string, body: unknown) => admin(path, { method: 'PATCH', body });
const remove = (path: string) => admin(path, { method: 'DELETE' });
type VerbCall = readonly [id: Promise<string>, verb: string, body?: unknown];
const verb = async (collection: string, [id, name, body]: VerbCall) =>
  post(`${collection}/${await id}:${name}`, body);
const revocationId = async () => {
  const made = await post(REVOCATIONS, { target: 'token', subject: crypto.randomUUID() });
  return (await made.json()).revocation_id as string;
};
const credential = async () => (await makeAdmin()).credentialId;

/** A good call of each operation: more than one where answers differ. */
const SAMPLES: Readonly<Record<string, ReadonlyArray<() => Promise<Response>>>> = {
  adminIssueApiKey: [
    () => post(ISSUED, { name: 'n', actor_id: 'a' }),
    () => post(ISSUED, { name: 'n', actor_id: 'a', ...FULL }),
  ],
  adminListIssuedApiKeys: [() => admin(ISSUED), () => admin(`${ISSUED}?page_size=1`)],
  adminGetIssuedApiKey: [
    async () => admin(`${ISSUED}/${await issuedId(FULL)}`),
    async () => admin(`${ISSUED}/${await revokedId()}`),
  ],
  adminRotateIssuedApiKey: [
    () => verb(ISSUED, [issuedId(FULL), 'rotate']),
    () => verb(ISSUED, [issuedId(), 'rotate', { overlap: '1h' }]),
  ],
  adminRevokeIssuedApiKey: [() => verb(ISSUED, [issuedId(), 'revoke'])],
  adminUpdateIssuedApiKey: [
    async () => patch(`${ISSUED}/${await issuedId(FULL)}`, { name: 'other' }),
  ],
  adminDisableIssuedApiKey: [() => verb(ISSUED, [issuedId(), 'disable'])],
  adminEnableIssuedApiKey: [() => verb(ISSUED, [disabledId(), 'enable'])],
  adminImportApiKey: [
    () => post(IMPORTED, { name: 'n', actor_id: 'a', raw_key: crypto.randomUUID(), ...FULL }),
  ],
  adminBatchCreateImportedApiKeys: [
    () =>
      post(`${IMPORTED}:batchCreate`, {
        requests: [{ name: 'n', actor_id: 'a', raw_key: crypto.randomUUID() }, { name: 'n' }],
      }),
  ],
  adminListImportedApiKeys: [() => admin(IMPORTED)],
  adminGetImportedApiKey: [async () => admin(`${IMPORTED}/${await importedId(FULL)}`)],
  adminUpdateImportedApiKey: [
    async () => patch(`${IMPORTED}/${await importedId(FULL)}`, { metadata: { plan: 'y' } }),
  ],
  adminDisableImportedApiKey: [() => verb(IMPORTED, [importedId(), 'disable'])],
  adminEnableImportedApiKey: [() => verb(IMPORTED, [importedId(), 'enable'])],
  adminRevokeImportedApiKey: [() => verb(IMPORTED, [importedId(), 'revoke'])],
  adminDeleteImportedApiKey: [async () => remove(`${IMPORTED}/${await importedId()}`)],
  adminRevokeApiKey: [() => verb('/v2alpha1/admin/apiKeys', [issuedId(), 'revoke'])],
  adminVerifyApiKey: [
    async () => verify({ credential: (await issue(FULL)).secret }),
    async () => verify({ credential: await derived() }),
    () => verify({ credential: 'ck_v1_unknown' }),
    limited,
  ],
  adminBatchVerifyApiKeys: [
    async () =>
      post('/v2alpha1/admin/apiKeys:batchVerify', {
        requests: [{ credential: (await issue(FULL)).secret }, { credential: '' }],
      }),
  ],
  revokeApiKey: [
    async () =>
      anonymous('/v2alpha1/apiKeys:selfRevoke', { body: { credential: (await issue()).secret } }),
  ],
  adminDeriveToken: [
    async () => derive({ credential: (await issue(FULL)).secret }),
    async () => derive({ credential: (await issue(FULL)).secret, algorithm: 2 }),
  ],
  getJwks: [() => anonymous('/v2alpha1/derivedKeys/jwks.json')],
  oauth2Token: [
    async () => exchange((await issue({ scopes: ['a', 'b'] })).secret),
    async () => exchange((await issue()).secret),
  ],
  makeDischargeCaveat: [async () => caveat()],
  discharge: [
    async () =>
      anonymous(DISCHARGE, { body: { caveat_id: (await (await caveat()).json()).caveat_id } }),
  ],
  getAuthorizationServerMetadata: [() => anonymous('/.well-known/oauth-authorization-server')],
  getFeedHead: [() => anonymous('/feed/v1/head')],
  getFeedSegment: [async () => anonymous(`/feed/v1/segment/${await segmentInHub()}`)],
  getFeedKeyset: [async () => anonymous(`/feed/v1/keyset/${(await headInKv()).keysetHash}`)],
  adminGetFeed: [() => admin('/v1/admin/feed')],
  adminCreateRevocation: [
    () => post(REVOCATIONS, { target: 'actor', subject: 'ada', reason: 'lost a laptop' }),
    () => post(REVOCATIONS, { target: 'everything', cut_off_time: '2026-01-31T12:00:00Z' }),
    async () => post(REVOCATIONS, { target: 'key', subject: await issuedId() }),
  ],
  adminBatchCreateRevocations: [
    () =>
      post(`${REVOCATIONS}:batchCreate`, {
        revocations: [{ target: 'token', subject: crypto.randomUUID() }],
      }),
  ],
  adminListRevocations: [
    () => admin(REVOCATIONS),
    () => admin(`${REVOCATIONS}?page_size=1&filter=target%3Dkey`),
  ],
  adminGetRevocation: [async () => admin(`${REVOCATIONS}/${await revocationId()}`)],
  adminListSigningKeys: [() => admin('/v1/admin/signingKeys')],
  adminRotateSigningKey: [() => post('/v1/admin/signingKeys:rotate', { algorithm: 'ES256' })],
  adminCreateCredential: [
    () => post(CREDENTIALS, { name: 'n', role: 'auditor' }),
    async () =>
      post(CREDENTIALS, { name: 'n', role: 'issuer', tenant_id: await makeTenant(), ttl: '1h' }),
  ],
  adminListCredentials: [() => admin(CREDENTIALS)],
  adminGetCredential: [async () => admin(`${CREDENTIALS}/${await credential()}`)],
  adminRotateCredential: [
    () => verb(CREDENTIALS, [credential(), 'rotate', { overlap: '1h' }]),
    () => verb(CREDENTIALS, [credential(), 'rotate']),
  ],
  adminRevokeCredential: [() => verb(CREDENTIALS, [credential(), 'revoke'])],
  adminCreateEdge: [() => post(EDGES, newEdge())],
  adminListEdges: [
    async () => {
      await edge();
      return admin(EDGES);
    },
  ],
  adminGetEdge: [async () => admin(`${EDGES}/${await edge()}`)],
  adminRotateEdge: [
    () => verb(EDGES, [edge(), 'rotate', { overlap: '1h' }]),
    () => verb(EDGES, [edge(), 'rotate']),
  ],
  adminRevokeEdge: [() => verb(EDGES, [edge(), 'revoke'])],
  adminCreateTenant: [
    () => post(TENANTS, { name: 'n' }),
    () => post(TENANTS, { name: 'n', ...OWN_SETTINGS }),
  ],
  adminListTenants: [() => admin(TENANTS)],
  adminGetTenant: [
    async () => admin(`${TENANTS}/${await makeTenant()}`),
    async () => admin(`${TENANTS}/${(await (await admin(TENANTS)).json()).tenants[0].tenant_id}`),
  ],
  adminUpdateTenant: [async () => patch(`${TENANTS}/${await makeTenant()}`, { name: 'other' })],
  adminDeleteTenant: [async () => remove(`${TENANTS}/${await makeTenant()}`)],
  adminListAuditEvents: [() => admin(EVENTS), () => admin(`${EVENTS}?page_size=1`)],
  adminExportAuditEvents: [() => admin(`${EVENTS}:export`)],
  adminVerifyAuditEvents: [() => post(`${EVENTS}:verify`)],
  adminCompareAuditEvents: [
    async () => post(`${EVENTS}:compare`, { audit_events: await someEvents() }),
    async () => {
      const altered = (await someEvents()).map((event) => ({ ...event, target_id: 'other' }));
      return post(`${EVENTS}:compare`, { audit_events: altered });
    },
  ],
  isAlive: [() => anonymous('/health/alive')],
  isReady: [() => anonymous('/health/ready')],
  getVersion: [() => anonymous('/version')],
  getOpenApiDocument: [() => anonymous('/openapi.json')],
  getReference: [() => anonymous('/reference')],
};

const newEdge = () => ({
  name: crypto.randomUUID(),
  tenants: [DEFAULT_TENANT_ID],
  audiences: ['https://api.example.com'],
});
const edge = async (): Promise<string> =>
  (await (await post(EDGES, newEdge())).json()).edge.edge_id;

const DISCHARGE = '/v1/discharge';

async function caveat(): Promise<Response> {
  const { secret } = await issue();
  const body = { credential: secret, algorithm: 'TOKEN_ALGORITHM_MACAROON' };
  const { token } = await (await derive(body)).json();
  return anonymous(`${DISCHARGE}/caveats`, { body: { token: token.token, fresh: '60s' } });
}

const OWN_SETTINGS = {
  hosts: ['answers.example.com'],
  issuer: 'https://answers.example.com',
  audience: 'https://api.example.com',
  api_key_prefix: 'own',
  public_api_key_prefix: 'own_public',
  retired_api_key_prefixes: ['former'],
  api_key_ttl_default: '1h',
  api_key_ttl_max: '24h',
  derived_token_ttl_default: '60s',
  derived_token_ttl_max: '600s',
  api_keys_max: '10',
};

const verify = (body: unknown) => post('/v2alpha1/admin/apiKeys:verify', body);
const derive = (body: unknown) => post('/v2alpha1/admin/apiKeys:derive', body);
const derived = async (): Promise<string> =>
  (await (await derive({ credential: (await issue(FULL)).secret })).json()).token.token;

async function limited(): Promise<Response> {
  const { secret } = await issue({ rate_limit_policy: { quota: '1', window: '3600s' } });
  await verify({ credential: secret });
  return verify({ credential: secret });
}

async function revokedId(): Promise<string> {
  const keyId = await issuedId();
  await post(`${ISSUED}/${keyId}:revoke`, {
    reason: 'REVOCATION_REASON_PRIVILEGE_WITHDRAWN',
    description: 'It was not needed.',
  });
  return keyId;
}

async function disabledId(): Promise<string> {
  const keyId = await issuedId();
  await post(`${ISSUED}/${keyId}:disable`);
  return keyId;
}

async function someEvents(): Promise<ReadonlyArray<Record<string, unknown>>> {
  return (await (await admin(`${EVENTS}?page_size=2`)).json()).audit_events;
}

function exchange(secret: string): Promise<Response> {
  const form = new URLSearchParams({ grant_type: 'client_credentials', client_secret: secret });
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
  return anonymous('/oauth2/token', { method: 'POST', headers, body: String(form) });
}

/** What of an answer its schema does not say: `[]` if it says all. */
async function disagreement(response: Response, answer: Answer | undefined): Promise<unknown> {
  if (answer === undefined) return `no answer ${response.status}: ${await response.text()}`;
  const text = await response.text();
  if (answer === null) return text === '' ? [] : `a body: ${text}`;
  const [mediaType] = (response.headers.get('content-type') ?? '').split(';');
  if (!('mediaType' in answer)) {
    if (mediaType !== 'application/json') return mediaType;
    return answer.safeParse(JSON.parse(text)).error?.issues ?? [];
  }
  return mediaType === answer.mediaType && text !== '' ? [] : mediaType;
}

beforeAll(publish);

test('there is a sample for every route, and none for anything else', () => {
  expect(Object.keys(SAMPLES).sort()).toEqual(routes.map((route) => route.operationId).sort());
});

describe.each(routes.map((route): [string, Route] => [route.operationId, route]))(
  '%s',
  (operationId, route) => {
    test('answers what the document says', async () => {
      for (const call of SAMPLES[operationId] ?? []) {
        const response = await call();
        expect(await disagreement(response, route.answers[response.status])).toEqual([]);
      }
    });

    test('is described, and each of its answers is closed', () => {
      expect(route.summary).toMatch(/^[A-Z].*\.$/);
      expect(Object.keys(route.answers).length).toBeGreaterThan(0);
      const method = document.paths[route.path][route.method.toLowerCase()];
      expect(method.summary).toBe(route.summary);
      for (const [status, { content = {} }] of Object.entries<{ content?: object }>(
        method.responses,
      )) {
        if (status !== 'default') expect(openObjects(content)).toEqual([]);
      }
    });
  },
);

/** Objects with named members that take others too: what is free on purpose is named here. */
function openObjects(node: unknown, path = ''): string[] {
  if (typeof node !== 'object' || node === null) return [];
  const { properties, additionalProperties } = node as Record<string, unknown>;
  const isOpen = properties !== undefined && additionalProperties !== false;
  const inner = Object.entries(node).flatMap(([name, child]) =>
    openObjects(child, `${path}/${name}`),
  );
  // OpenAPI says itself what may stand in its `info`.
  return [...(isOpen && !path.endsWith('/properties/info') ? [path] : []), ...inner];
}

test('a member that the document does not have is found', async () => {
  const route = routes.find(({ operationId }) => operationId === 'isAlive');
  const answer = route?.answers[200];
  expect(await disagreement(Response.json({ status: 'ok' }), answer)).toEqual([]);
  expect(await disagreement(Response.json({ status: 'ok', more: 1 }), answer)).not.toEqual([]);
  expect(await disagreement(Response.json({}), answer)).not.toEqual([]);
  expect(await disagreement(new Response('ok'), answer)).not.toEqual([]);
});

test('each line of an export is an audit event as the document has it', async () => {
  await issue();
  const lines = (await (await admin(`${EVENTS}:export`)).text()).trimEnd().split('\n');
  for (const line of lines) AuditEventMessage.parse(JSON.parse(line));
});

const REFUSED: ReadonlyArray<readonly [path: string, call: Call, template: string]> = [
  [ISSUED, { body: {} }, ISSUED],
  ['/feed/v1/keyset/none', {}, '/feed/v1/keyset/{hash}'],
  ['/feed/v1/segment/none', {}, '/feed/v1/segment/{hash}'],
  ['/v2alpha1/apiKeys:selfRevoke', { body: {} }, '/v2alpha1/apiKeys:selfRevoke'],
  ['/oauth2/token', { method: 'POST' }, '/oauth2/token'],
];

test.each(REFUSED)('%s refuses as the document says', async (path, call, template) => {
  const response = await anonymous(path, call);
  const method =
    document.paths[template][(call.method ?? (call.body ? 'POST' : 'GET')).toLowerCase()];
  const { schema } = method.responses.default.content['application/json'];
  const refusal = schema.$ref === undefined ? schema : document.components.schemas.Error;
  expect(response.status).toBeGreaterThanOrEqual(400);
  z.fromJSONSchema(refusal).parse(await response.json());
});
