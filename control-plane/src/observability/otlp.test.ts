/** Spans as a collector receives them: exported for real, over HTTP. */

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createObservedApp } from '../../testing/observed-app.ts';
import { instrumentPort } from './instrument.ts';
import { NO_METRICS } from './metrics.ts';
import { createOtlpTracing } from './otlp.node.ts';

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly status: { readonly code?: number };
  readonly attributes: ReadonlyArray<{ key: string; value: Record<string, unknown> }>;
}

let server: Server;
let bodies: string[] = [];

beforeEach(async () => {
  bodies = [];
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      if (request.url === '/v1/traces') bodies.push(body);
      response.writeHead(200, { 'Content-Type': 'application/json' }).end('{}');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

function startTracing() {
  const { port } = server.address() as AddressInfo;
  return createOtlpTracing({ endpoint: `http://127.0.0.1:${port}/`, serviceName: 'cardea-test' });
}

const received = (): Span[] =>
  bodies.flatMap((body) =>
    JSON.parse(body).resourceSpans.flatMap((one: { scopeSpans: Array<{ spans: Span[] }> }) =>
      one.scopeSpans.flatMap(({ spans }) => spans),
    ),
  );

const attributesOf = (span: Span | undefined) =>
  Object.fromEntries(
    (span?.attributes ?? []).map(({ key, value }) => [key, Object.values(value)[0]]),
  );

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';

describe('a request', () => {
  test('is a span of the trace that the client names, with its steps below it', async () => {
    const { tracing, stop } = startTracing();
    const instruments = { metrics: NO_METRICS, tracing };
    const database = instrumentPort('database', { check: async () => {} }, instruments);
    const app = createObservedApp({ ...instruments, database });
    const headers = { traceparent: `00-${TRACE}-${PARENT}-01`, 'X-Request-ID': 'request-7' };
    await app.fetch(new Request('http://localhost/health/ready?x=query-canary', { headers }));
    await stop();
    const [step, request] = received();
    expect(request).toMatchObject({
      ...{ name: 'GET /health/ready', traceId: TRACE, parentSpanId: PARENT, kind: 2 },
    });
    expect(attributesOf(request)).toEqual({
      'http.request.method': 'GET',
      'http.route': '/health/ready',
      'http.response.status_code': 200,
      'cardea.request_id': 'request-7',
    });
    expect(step).toMatchObject({ name: 'database.check', traceId: TRACE, kind: 3 });
    expect(step?.parentSpanId).toBe(request?.spanId);
    expect(bodies.join()).toContain('cardea-test');
    expect(bodies.join()).not.toContain('query-canary');
  });

  test('that is for a tenant names it', async () => {
    const { tracing, stop } = startTracing();
    const app = createObservedApp({ metrics: NO_METRICS, tracing });
    await app.fetch(new Request('http://localhost/oauth2/token', { method: 'POST' }));
    await stop();
    expect(attributesOf(received()[0])).toMatchObject({
      'http.route': '/oauth2/token',
      'cardea.tenant_id': DEFAULT_TENANT_ID,
    });
  });

  test('that fails says so, and quotes no message', async () => {
    const { tracing, stop } = startTracing();
    const instruments = { metrics: NO_METRICS, tracing };
    const check = async () => Promise.reject(new RangeError('message-canary'));
    const database = instrumentPort('database', { check }, instruments);
    const app = createObservedApp({ ...instruments, database });
    const response = await app.fetch(new Request('http://localhost/health/ready'));
    expect(response.status).toBe(500);
    await stop();
    const [step, request] = received();
    expect(step?.status.code).toBe(2);
    expect(attributesOf(step)).toEqual({ 'error.type': 'RangeError' });
    expect(request?.status.code).toBe(2);
    expect(request?.traceId).toMatch(/^[0-9a-f]{32}$/);
    expect(request).not.toHaveProperty('parentSpanId', expect.stringMatching(/./));
    expect(bodies.join()).not.toContain('message-canary');
  });

  test.each([
    ['garbage', 'garbage'],
    ['the forbidden version', `ff-${TRACE}-${PARENT}-01`],
    ['no trace', `00-${'0'.repeat(32)}-${PARENT}-01`],
    ['no parent', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['capitals', `00-${TRACE.toUpperCase()}-${PARENT}-01`],
    ['a flag too many', `00-${TRACE}-${PARENT}-011`],
  ])('with %s as traceparent begins a trace of its own', async (_, traceparent) => {
    const { tracing, stop } = startTracing();
    const app = createObservedApp({ metrics: NO_METRICS, tracing });
    await app.fetch(new Request('http://localhost/health/alive', { headers: { traceparent } }));
    await stop();
    expect(received()).toHaveLength(1);
    expect(received()[0]?.traceId).not.toBe(TRACE);
  });

  test('that the client did not sample is not exported', async () => {
    const { tracing, stop } = startTracing();
    const app = createObservedApp({ metrics: NO_METRICS, tracing });
    const headers = { traceparent: `00-${TRACE}-${PARENT}-00` };
    await app.fetch(new Request('http://localhost/health/alive', { headers }));
    await stop();
    expect(received()).toEqual([]);
  });
});

test('steps of requests that run at once keep to their own request', async () => {
  const { tracing, stop } = startTracing();
  const instruments = { metrics: NO_METRICS, tracing };
  const check = () => new Promise<void>((resolve) => setTimeout(resolve, 5));
  const database = instrumentPort('database', { check }, instruments);
  const app = createObservedApp({ ...instruments, database });
  const ask = () => app.fetch(new Request('http://localhost/health/ready'));
  await Promise.all(Array.from({ length: 10 }, ask));
  await database.check(); // Of no request: no span.
  await stop();
  const spans = received();
  const requests = spans.filter(({ name }) => name === 'GET /health/ready');
  const parents = spans
    .filter(({ name }) => name === 'database.check')
    .map(({ parentSpanId }) => parentSpanId);
  expect(new Set(parents)).toEqual(new Set(requests.map(({ spanId }) => spanId)));
  expect(parents).toHaveLength(10);
});

test('a collector that is away disturbs no request', async () => {
  const { tracing, stop } = createOtlpTracing({ endpoint: 'http://127.0.0.1:1', serviceName: 'x' });
  const app = createObservedApp({ metrics: NO_METRICS, tracing });
  const response = await app.fetch(new Request('http://localhost/health/alive'));
  expect(response.status).toBe(200);
  await stop();
});
