/**
 * A real HTTP server on loopback that stands for the issuer of administrators' JWTs. Tests put the
 * documents there that it serves: PUT /name, then GET /name; GET /name?asked says how often.
 */

import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface IssuerServer {
  /** Without a slash at its end. */
  readonly url: string;
  readonly close: () => Promise<void>;
}

interface Served {
  readonly status: number;
  readonly location: string | undefined;
  readonly body: Buffer;
  asked: number;
}

/** GET /hang is never answered. */
export async function startIssuerServer(): Promise<IssuerServer> {
  const documents = new Map<string, Served>();
  const server = createServer(async (request, response) => {
    const { pathname, search } = new URL(request.url ?? '/', 'http://issuer');
    if (pathname === '/hang') return;
    if (request.method === 'PUT') {
      documents.set(pathname, await readServed(request));
      return response.writeHead(204).end();
    }
    const served = documents.get(pathname);
    if (search === '?asked') return response.end(String(served?.asked ?? 0));
    if (served === undefined) return response.writeHead(404).end();
    served.asked++;
    const headers = served.location === undefined ? {} : { location: served.location };
    return response.writeHead(served.status, headers).end(served.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: () => closeServer(server) };
}

async function readServed(request: IncomingMessage): Promise<Served> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const { 'x-status': status = '200', 'x-location': location } = request.headers;
  return {
    status: Number(status),
    location: typeof location === 'string' ? location : undefined,
    ...{ body: Buffer.concat(chunks), asked: 0 },
  };
}

function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

interface TestProject {
  readonly provide: (name: 'issuerUrl', url: string) => void;
}

/** Runs in Node, once, before the tests in workerd: `globalSetup` in vitest.config.ts. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { url, close } = await startIssuerServer();
  project.provide('issuerUrl', url);
  return close;
}
