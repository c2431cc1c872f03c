/**
 * Guarantee: control planes on one PostgreSQL are one: each serves its surface, one publishes, and
 * whoever calls is judged by an address that he cannot choose. A stop loses no request; a database that
 * is away is answered by 503 and comes back by itself.
 */

import { Agent, request as send } from 'node:http';
import { text } from 'node:stream/consumers';
import { importFeedKeys } from '@cardea/shared/feed/feed-key';
import { verifyHead } from '@cardea/shared/feed/head-signature';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startTcpProxy, type TcpProxy } from '../faults/tcp-proxy.ts';
import {
  createDatabase,
  type PostgresServer,
  startPostgresServer,
} from '../stores/postgres-server.ts';
import { createAdminClient } from './harness/admin-client.ts';
import { type Answer, call, exchange } from './harness/calls.ts';
import {
  logLines,
  makeNodeSecrets,
  type NodeControlPlane,
  startNodeControlPlane,
} from './harness/node-control-plane.ts';

const { adminToken, env, feedPublicKey } = makeNodeSecrets();
/** Of an exchange. */
const REFUSED = [400, 'unauthorized_client'];
const ACCEPTED = [200, undefined];
const NEW_KEY = JSON.stringify({ name: 'n', actor_id: 'a' });
const ISSUED = '/v2alpha1/admin/issuedApiKeys';
const authorization = { Authorization: `Bearer ${adminToken}`, 'Content-Type': 'application/json' };

let server: PostgresServer;
let proxy: TcpProxy;
/** The database itself, and through the proxy. */
let directUrl = '';
let proxiedUrl = '';

beforeAll(async () => {
  server = await startPostgresServer();
  directUrl = await createDatabase(server.url);
  proxy = await startTcpProxy({ port: Number(new URL(directUrl).port) });
  proxiedUrl = proxy.through(directUrl);
});
afterAll(async () => {
  await proxy?.dispose();
  await server?.dispose();
});

const codeOf = ({ status, body }: Answer) => {
  const { details } = (body.error ?? {}) as { details?: Array<{ reason: string }> };
  return [status, details?.[0]?.reason];
};

async function issue(controlPlaneUrl: string, allowedCidrs?: string[]) {
  const { issued_api_key: key, secret } = await createAdminClient({
    controlPlaneUrl,
    adminToken,
  }).adminIssueApiKey({
    issueApiKeyRequest: {
      ...{ name: 'e2e', actor_id: 'alice', scopes: ['a'], ttl: '1h' },
      ...(allowedCidrs === undefined ? {} : { ip_restriction: { allowed_cidrs: allowedCidrs } }),
    },
  });
  return { apiKey: secret ?? '', keyId: key?.key_id ?? '' };
}

describe('two surfaces on one database', () => {
  let admin: NodeControlPlane;
  let publicPart: NodeControlPlane;

  beforeAll(async () => {
    // Both bring the same database up to date, at the same moment.
    [admin, publicPart] = await Promise.all([
      startNodeControlPlane({ ...env, DATABASE_URL: directUrl }, ['admin', '--migrate']),
      startNodeControlPlane(
        { ...env, DATABASE_URL: directUrl, TRUSTED_PROXY_HOPS: '1', SURFACE: 'admin' },
        ['public', '--migrate'],
      ),
    ]);
  });
  afterAll(async () => {
    await Promise.all([admin?.stop(), publicPart?.stop()]);
  });

  test.each([
    ['GET', ISSUED, 200, 404],
    ['GET', '/v1/admin/tenants', 200, 404],
    ['GET', '/v1/admin', 404, 404],
    ['POST', '/v2alpha1/apiKeys:selfRevoke', 404, 400],
    ['POST', '/oauth2/token', 404, 400],
    ['GET', '/.well-known/oauth-authorization-server', 404, 200],
    ['GET', '/v2alpha1/derivedKeys/jwks.json', 200, 200],
    ['GET', '/health/alive', 200, 200],
    ['GET', '/health/ready', 200, 200],
    ['GET', '/version', 200, 200],
  ])('%s %s: %i on the admin surface, %i on the public one', async (method, path, ...statuses) => {
    const statusOf = async ({ url }: NodeControlPlane) => {
      const body = method === 'POST' ? '{}' : null;
      return (await call(`${url}${path}`, { method, headers: authorization, body })).status;
    };
    expect([await statusOf(admin), await statusOf(publicPart)]).toEqual(statuses);
  });

  test('the public surface knows no admin, not even that there could be one', async () => {
    const { status, headers } = await call(`${publicPart.url}${ISSUED}`);
    expect([status, headers.get('www-authenticate')]).toEqual([404, null]);
    expect((await call(`${admin.url}${ISSUED}`)).status).toBe(401);
  });

  test('what is issued on one is exchanged on the other, until it is revoked', async () => {
    const { apiKey, keyId } = await issue(admin.url);
    const attempt = () => exchange({ controlPlaneUrl: publicPart.url, apiKey });
    expect((await attempt()).status).toBe(200);
    const revoked = await call(`${admin.url}${ISSUED}/${keyId}:revoke`, {
      method: 'POST',
      headers: authorization,
      body: '{}',
    });
    expect(revoked.status).toBe(204);
    const refused = await attempt();
    expect([refused.status, refused.body.error]).toEqual([401, 'invalid_client']);
  });

  test('exactly one of them publishes, and both serve the feed of that one', async () => {
    const terms = [admin, publicPart].map(({ command }) =>
      logLines(command.printed()).filter(({ event }) => event === 'publisher_term_began'),
    );
    expect(terms.map(({ length }) => length).sort()).toEqual([0, 1]);
    const head = await fetch(`${publicPart.url}/feed/v1/head`);
    const keys = await importFeedKeys([feedPublicKey]);
    if (!keys.ok) throw new Error('the key of the feed is not usable');
    expect((await verifyHead(await head.text(), keys.value)).ok).toBe(true);
    expect((await call(`${admin.url}/feed/v1/head`)).status).toBe(404);
  });

  test.each([
    ['the header that Cloudflare sets means nothing', { 'CF-Connecting-IP': '192.0.2.7' }, REFUSED],
    ['what the client wrote', { 'X-Forwarded-For': '192.0.2.7, 198.51.100.1' }, REFUSED],
    ['without an entry nobody knows', {}, REFUSED],
    ['who the trusted proxy saw', { 'X-Forwarded-For': '198.51.100.1, 192.0.2.7' }, ACCEPTED],
  ])('behind one proxy: %s', async (_, headers, outcome) => {
    const { apiKey } = await issue(admin.url, ['192.0.2.0/24']);
    const body = new URLSearchParams({ grant_type: 'client_credentials', client_secret: apiKey });
    const answer = await call(`${publicPart.url}/oauth2/token`, { method: 'POST', body, headers });
    expect([answer.status, answer.body.error]).toEqual(outcome);
  });
});

describe('a stop, and a database that is away', () => {
  let running: NodeControlPlane | undefined;
  const url = () => running?.url ?? '';

  const start = async () => {
    running = await startNodeControlPlane(
      { ...env, DATABASE_URL: proxiedUrl, METRICS_PORT: '0', DATABASE_CONNECTIONS_MAX: '3' },
      ['--migrate'],
    );
    return running;
  };
  afterEach(async () => {
    proxy.setDelay(0);
    await proxy.setMode('pass');
  });
  afterAll(() => running?.stop());

  const asks: ReadonlyArray<() => Promise<Answer>> = [
    () => call(`${url()}${ISSUED}`, { method: 'POST', headers: authorization, body: NEW_KEY }),
    () => call(`${url()}${ISSUED}`, { headers: authorization }),
    () => call(`${url()}/health/ready`),
  ];

  test.each([
    ['nobody listens', 'refuse'],
    ['nothing is answered', 'blackhole'],
  ] as const)('%s: 503 everywhere, and back by itself', async (_, mode) => {
    if (running === undefined) await start();
    const { apiKey } = await issue(url());
    await proxy.setMode(mode);
    const [exchanged, onOwnPort, ...answers] = await Promise.all([
      exchange({ controlPlaneUrl: url(), apiKey }),
      call(`${running?.metricsUrl}/health/ready`),
      ...asks.map((ask) => ask()),
    ]);
    for (const answer of answers) expect(codeOf(answer)).toEqual([503, 'SERVICE_UNAVAILABLE']);
    for (const { status, headers } of [exchanged, ...answers]) {
      expect([status, headers.get('retry-after')]).toEqual([503, '1']);
    }
    expect(onOwnPort.status).toBe(503);
    expect((await call(`${url()}/health/alive`)).status).toBe(200);

    await proxy.setMode('pass');
    const exchangeStatus = async () => (await exchange({ controlPlaneUrl: url(), apiKey })).status;
    await expect.poll(exchangeStatus, { timeout: 15_000 }).toBe(200);
    expect((await call(`${url()}/health/ready`)).status).toBe(200);
    expect(running?.command.process.exitCode).toBe(null);
  });

  test('stopping: nobody new, not ready, and the request under way is answered', async () => {
    const { url: stoppingUrl, metricsUrl, stop } = running ?? (await start());
    const { apiKey } = await issue(stoppingUrl);
    // A connection that is open when the stop begins: what comes on it is answered.
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    expect((await ask(agent, `${stoppingUrl}/health/ready`)).status).toBe(200);

    proxy.setDelay(300); // Each way: an exchange takes some hundreds of milliseconds now.
    const underWay = exchange({ controlPlaneUrl: stoppingUrl, apiKey });
    await new Promise((resolve) => setTimeout(resolve, 200));
    const ended = stop();
    await expect
      .poll(() => call(`${stoppingUrl}/health/alive`).catch(() => 'refused'))
      .toBe('refused');
    const readiness = await call(`${metricsUrl}/health/ready`);
    expect([readiness.status, JSON.stringify(readiness.body)]).toEqual([
      503,
      expect.stringContaining('The server is stopping.'),
    ]);
    const answer = await underWay;
    expect([answer.status, answer.headers.get('connection')]).toEqual([200, 'close']);
    proxy.setDelay(0);
    agent.destroy();
    expect(await ended).toMatchObject({
      status: 0,
      signal: null,
      err: expect.not.stringContaining('stop_incomplete'),
    });
    running = undefined;
  });

  test('a second signal ends it at once', async () => {
    const { command, url: stoppingUrl } = await start();
    await proxy.setMode('blackhole');
    const underWay = call(`${stoppingUrl}${ISSUED}`, { headers: authorization }).catch(
      () => 'cut off',
    );
    await new Promise((resolve) => setTimeout(resolve, 200));
    const before = performance.now();
    command.process.kill('SIGTERM');
    await command.untilPrinted('"event":"stopping"');
    command.process.kill('SIGTERM');
    expect((await command.ended).status).toBe(128 + 15);
    expect(performance.now() - before).toBeLessThan(2_000);
    expect(await underWay).toBe('cut off');
    running = undefined;
  });
});

async function ask(agent: Agent, url: string): Promise<{ status: number; body: string }> {
  const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
    send(url, { agent }, resolve).on('error', reject).end();
  });
  return { status: response.statusCode ?? 0, body: await text(response) };
}
