/**
 * The operators' own port: `/metrics`, and health once more, for probes that must not pass through
 * what stands in front of the API. It asks nobody who they are: it belongs in no public network.
 */

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Log } from '../log.ts';
import type { PrometheusMetrics } from './prometheus.node.ts';

export interface MetricsServerParts {
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  readonly prometheus: Pick<PrometheusMetrics, 'contentType' | 'text'>;
  /** Answers `/health/alive` and `/health/ready` as the API does. */
  readonly health: (path: string) => Promise<Response> | Response;
  readonly log: Log;
}

export interface MetricsServer {
  readonly port: number;
  stop(): Promise<void>;
}

const HEALTH = new Set(['/health/alive', '/health/ready']);
/** How long a client may take to send its request. */
const REQUEST_MILLISECONDS_MAX = 5000;

/** Listens when this returns. Throws what `listen` throws, e.g. when the port is taken. */
export async function startMetricsServer(parts: MetricsServerParts): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    answer(parts, request, response).catch((error: unknown) => {
      const name = error instanceof Error ? error.name : 'unknown';
      parts.log('error', 'metrics_not_served', { error: name });
      response.writeHead(500).end();
    });
  });
  server.requestTimeout = REQUEST_MILLISECONDS_MAX;
  server.headersTimeout = REQUEST_MILLISECONDS_MAX;
  server.listen(parts.port, parts.host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { port, stop: () => stop(server) };
}

async function answer(
  { health, prometheus }: MetricsServerParts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = (request.url ?? '').split('?')[0] ?? '';
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  if (isRead && path === '/metrics') {
    const text = await prometheus.text();
    response.writeHead(200, { 'Content-Type': prometheus.contentType }).end(text);
  } else if (isRead && HEALTH.has(path)) {
    const answered = await health(path);
    const headers = { 'Content-Type': answered.headers.get('content-type') ?? 'text/plain' };
    response.writeHead(answered.status, headers).end(await answered.text());
  } else {
    response.writeHead(404).end();
  }
}

async function stop(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  await closed;
}
