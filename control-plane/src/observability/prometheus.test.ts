import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { createObservedApp } from '../../testing/observed-app.ts';
import type { LogFields } from '../log.ts';
import { countedLog, instrumentPort } from './instrument.ts';
import { METRICS } from './metrics.ts';
import { type MetricsServer, startMetricsServer } from './metrics-server.node.ts';
import { createPrometheusMetrics } from './prometheus.node.ts';
import { NO_TRACING } from './tracing.ts';

const servers: MetricsServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

async function serve(prometheus = createPrometheusMetrics(async () => ({}))) {
  const app = createObservedApp({ metrics: prometheus.metrics, tracing: NO_TRACING });
  const server = await startMetricsServer({
    ...{ host: '127.0.0.1', port: 0, prometheus, log: () => {} },
    health: (path) => app.fetch(new Request(`http://localhost${path}`)),
  });
  servers.push(server);
  const origin = `http://127.0.0.1:${server.port}`;
  return { app, prometheus, get: (path: string, init?: RequestInit) => fetch(origin + path, init) };
}

/** The value of the series with exactly these labels. */
function seriesOf(text: string, series: string): number | undefined {
  const line = text.split('\n').find((each) => each.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

describe('/metrics', () => {
  test('counts and measures requests by the template of their route', async () => {
    const { app, get } = await serve();
    const paths = ['/health/alive', '/health/alive', '/nowhere/secret-path', '/v1/admin/x'];
    for (const path of paths) await app.fetch(new Request(`http://localhost${path}`));
    await app.fetch(new Request('http://localhost/x', { method: 'BREW' }));
    const response = await get('/metrics');
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    const text = await response.text();
    const requests = (labels: string) => seriesOf(text, `cardea_requests_total{${labels}}`);
    expect(requests('route="/health/alive",method="GET",status="200"')).toBe(2);
    expect(requests('route="none",method="GET",status="404"')).toBe(1);
    expect(requests('route="none",method="other",status="404"')).toBe(1);
    const alive = 'route="/health/alive",method="GET"';
    expect(seriesOf(text, `cardea_request_duration_seconds_count{${alive}}`)).toBe(2);
    expect(seriesOf(text, `cardea_request_duration_seconds_sum{${alive}}`)).toBeGreaterThan(0);
    expect(text).not.toContain('secret-path');
    expect(text).toContain('process_cpu_user_seconds_total');
  });

  test('has every metric with the help and the kind of the table', async () => {
    const text = await (await serve()).get('/metrics').then((response) => response.text());
    for (const [name, { help, kind }] of Object.entries(METRICS)) {
      expect(text).toContain(`# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n`);
    }
  });

  test('shows gauges as they are now, and none that cannot be read', async () => {
    const answers = [
      async () => ({ cardea_feed_head_age_seconds: 12.5 }),
      async () => Promise.reject(new Error('away')),
    ];
    const { get } = await serve(createPrometheusMetrics(() => answers.shift()?.() ?? never()));
    const age = async () => seriesOf(await (await get('/metrics')).text(), AGE);
    expect(await age()).toBe(12.5);
    expect(await age()).toBeUndefined();
  });

  test('times the calls of a port, counts the ones that fail, and lets the failure through', async () => {
    const prometheus = createPrometheusMetrics(async () => ({}));
    const port = instrumentPort(
      'store',
      {
        find: async (id: string) => `found ${id}`,
        fail: async () => Promise.reject(new TypeError('x')),
      },
      { metrics: prometheus.metrics, tracing: NO_TRACING },
    );
    expect(await port.find('a')).toBe('found a');
    await expect(port.fail()).rejects.toThrow(TypeError);
    const text = await prometheus.text();
    const of = (name: string, method: string) =>
      seriesOf(text, `${name}{port="store",method="${method}"}`);
    expect(of('cardea_port_duration_seconds_count', 'find')).toBe(1);
    expect(of('cardea_port_duration_seconds_count', 'fail')).toBe(1);
    expect(of('cardea_port_errors_total', 'fail')).toBe(1);
    expect(of('cardea_port_errors_total', 'find')).toBeUndefined();
  });

  test('counts lines of the log by event, and passes them on', async () => {
    const prometheus = createPrometheusMetrics(async () => ({}));
    const lines: LogFields[] = [];
    const log = countedLog((_level, _event, fields) => void lines.push(fields), prometheus.metrics);
    log('error', 'feed_not_published', { failures: 3 });
    const series = 'cardea_log_events_total{level="error",event="feed_not_published"}';
    expect(seriesOf(await prometheus.text(), series)).toBe(1);
    expect(lines).toEqual([{ failures: 3 }]);
  });
});

test.each([
  ['GET', '/health/alive', 200],
  ['GET', '/health/ready', 200],
  ['HEAD', '/metrics', 200],
  ['POST', '/metrics', 404],
  ['GET', '/', 404],
  ['GET', '/v2alpha1/admin/issuedApiKeys', 404],
  ['GET', '/metrics/', 404],
])('%s %s on the port of metrics answers %d', async (method, path, status) => {
  const { get } = await serve();
  expect((await get(path, { method })).status).toBe(status);
});

test('docs/observability.md lists exactly the metrics, each with its labels', () => {
  const text = readFileSync(new URL('../../../docs/observability.md', import.meta.url), 'utf8');
  const rows = [...text.matchAll(/^\| `(cardea_[a-z_]+)` \| (\w+) \|([^|]*)\|/gm)];
  const documented = rows.map(([, name, kind, labels = '']) => [
    ...[name, kind, [...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label)],
  ]);
  const known = Object.entries(METRICS).map(([name, { kind, labels }]) => [name, kind, labels]);
  expect(documented).toEqual(known);
});

const AGE = 'cardea_feed_head_age_seconds';

function never(): never {
  throw new Error('No scrape was expected.');
}
