/**
 * Threat 14: nothing that was given to the control plane in confidence is in its log. Requests of every
 * kind, good and bad, carry canaries wherever a client can put one; the log of all of them is searched.
 */

import { env } from 'cloudflare:workers';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { admin, anonymous, ISSUED, issue, ORIGIN } from '../testing/api.ts';
import { publish } from '../testing/hub.ts';
import { createApp } from './app.ts';
import { parseConfig } from './config.workers.ts';
import { createWorkerDeps } from './worker.ts';

const VERBS = '/v2alpha1/admin/apiKeys';
const FORM = { 'Content-Type': 'application/x-www-form-urlencoded' };
const CANARY = `canary-${crypto.randomUUID()}`;
const RAW_KEY = `legacy-${crypto.randomUUID()}`;

const lines: string[] = [];
const confidential: string[] = [CANARY, RAW_KEY];

function listen(method: 'log' | 'info' | 'warn' | 'error' | 'debug') {
  vi.spyOn(console, method).mockImplementation((...parts: unknown[]) => {
    lines.push(parts.map(String).join(' '));
  });
}

/** What of a text must not be found: all of it, and its longest part. */
function keepsakes(text: string): string[] {
  return [text, ...text.split(/[._]/).filter((part) => part.length >= 20)];
}

let secret = '';
let keyId = '';
let token = '';

beforeAll(async () => {
  for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const) listen(method);
  await publish();
  const issued = await issue({ scopes: ['a'], rate_limit_policy: { quota: '2', window: '60s' } });
  secret = issued.secret;
  keyId = issued.issued_api_key.key_id;
  const derived = await admin(`${VERBS}:derive`, { body: { credential: secret } });
  token = (await derived.json()).token.token;
  confidential.push(...keepsakes(secret), ...keepsakes(token));
  confidential.push(env.TEST_ADMIN_TOKEN, env.CARDEA_SECRET, JSON.parse(env.FEED_SIGNING_KEY).d);
  confidential.push(btoa(`:${secret}`), encodeURIComponent(token));
});

afterAll(() => {
  vi.restoreAllMocks();
});

/** Every place that a client can write to. */
const REQUESTS: ReadonlyArray<readonly [string, () => Promise<Response>]> = [
  ['verify, good', () => admin(`${VERBS}:verify`, { body: { credential: secret } })],
  ['verify, a token', () => admin(`${VERBS}:verify`, { body: { credential: token } })],
  ['verify, limited', () => admin(`${VERBS}:verify`, { body: { credential: secret } })],
  ['verify, altered', () => admin(`${VERBS}:verify`, { body: { credential: `${secret}x` } })],
  ['verify, forged', () => admin(`${VERBS}:verify`, { body: { credential: `${token}x` } })],
  ['verify, no JSON', () => admin(`${VERBS}:verify`, { body: `{"credential": ${CANARY}` })],
  [
    'verify, batch',
    () => admin(`${VERBS}:batchVerify`, { body: { requests: [{ credential: secret }, {}] } }),
  ],
  [
    'derive, with claims',
    () => admin(`${VERBS}:derive`, { body: { credential: secret, custom_claims: { x: CANARY } } }),
  ],
  ['derive, refused', () => admin(`${VERBS}:derive`, { body: { credential: `${secret}1` } })],
  [
    'issue, with metadata',
    () => admin(ISSUED, { body: { name: CANARY, actor_id: CANARY, metadata: { x: CANARY } } }),
  ],
  ['issue, refused', () => admin(ISSUED, { body: { name: '', actor_id: CANARY } })],
  [
    'import',
    () =>
      admin('/v2alpha1/admin/importedApiKeys', {
        body: { raw_key: RAW_KEY, name: 'n', actor_id: 'a' },
      }),
  ],
  ['verify, imported', () => admin(`${VERBS}:verify`, { body: { credential: RAW_KEY } })],
  ['a key in the path', () => admin(`${ISSUED}/${secret}`)],
  ['a key in an unknown path', () => anonymous(`/${secret}/${CANARY}`)],
  ['a key in the query', () => admin(`${ISSUED}?filter=${secret}&page_token=${CANARY}`)],
  [
    'a token as request id',
    () => anonymous('/health/alive', { headers: { 'X-Request-ID': token } }),
  ],
  [
    'a key in other headers',
    () =>
      anonymous('/version', { headers: { 'User-Agent': secret, Cookie: CANARY, Origin: CANARY } }),
  ],
  ['a wrong admin', () => anonymous(ISSUED, { headers: { Authorization: `Bearer ${CANARY}` } })],
  ['a key as admin', () => anonymous(ISSUED, { headers: { Authorization: `Bearer ${secret}` } })],
  [
    'an exchange',
    () =>
      anonymous('/oauth2/token', {
        headers: { ...FORM, Authorization: `Basic ${btoa(`:${secret}`)}` },
        body: 'grant_type=client_credentials',
      }),
  ],
  [
    'an exchange, refused',
    () =>
      anonymous('/oauth2/token', {
        headers: FORM,
        body: `grant_type=client_credentials&client_secret=${secret}x&scope=${CANARY}`,
      }),
  ],
  ['an exchange of garbage', () => anonymous('/oauth2/token', { headers: FORM, body: CANARY })],
  [
    'self-revocation, refused',
    () => anonymous('/v2alpha1/apiKeys:selfRevoke', { body: { credential: token } }),
  ],
  [
    'revoke, described',
    () =>
      admin(`${ISSUED}/${keyId}:revoke`, {
        body: { reason: 'REVOCATION_REASON_PRIVILEGE_WITHDRAWN', description: CANARY },
      }),
  ],
  ['verify, revoked', () => admin(`${VERBS}:verify`, { body: { credential: secret } })],
];

/** Lines that hold any of it, with what they hold left out. */
const findings = () =>
  lines
    .filter((line) => confidential.some((text) => line.includes(text)))
    .map((line) => confidential.reduce((rest, text) => rest.replaceAll(text, '***'), line));

describe('the log', () => {
  test('of all these requests holds nothing confidential', async () => {
    for (const [name, send] of REQUESTS) {
      const before = lines.length;
      const response = await send();
      await response.text();
      expect(response.status, name).toBeLessThan(500);
      expect(lines.length, `${name} is logged`).toBeGreaterThan(before);
      expect(findings(), name).toEqual([]);
    }
  });

  test('of a database that fails with everything it was given holds nothing of it either', async () => {
    const database = new Proxy(env.DB, {
      get: () => () => {
        throw new Error(`syntax error near ${secret}, ${CANARY}`, { cause: new Error(token) });
      },
    });
    const config = parseConfig({ ...env, DB: database });
    const app = createApp(await createWorkerDeps(config));
    for (const path of [`${VERBS}:verify`, `${VERBS}:derive`, `${VERBS}:batchVerify`]) {
      const response = await app.fetch(
        new Request(`${ORIGIN}${path}`, {
          method: 'POST',
          headers: { Authorization: `Bearer ${env.TEST_ADMIN_TOKEN}` },
          body: JSON.stringify({ credential: secret, requests: [{ credential: secret }] }),
        }),
      );
      expect(response.status).toBe(503);
      expect(await response.text()).not.toContain(CANARY);
    }
    expect(lines.filter((line) => line.includes('"event":"failure"')).length).toBeGreaterThan(2);
    expect(findings()).toEqual([]);
  });

  test('is searched for real: what is written there is found', () => {
    console.log(`x ${CANARY}`);
    expect(findings()).toEqual(['x ***']);
    lines.pop();
  });
});
