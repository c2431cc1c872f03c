/** An HTTP server of Node in front of a fetch handler: its limits, and how it stops. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import type { ListenAddress } from '../config.node.ts';
import type { Connection } from './client-address.ts';
import { LightHeaders } from './light-headers.ts';

export interface HttpHandlers {
  readonly fetch: (request: Request, connection: Connection) => Response | Promise<Response>;
  /** Answers what is no request: a wrong `Host`, a backslash in the path. */
  readonly refuse: () => Response;
}

export interface HttpServer {
  /** Where it listens, with the port that it got. */
  readonly url: string;
  /**
   * Accepts nobody from now on and waits until every request that had come is answered, but at most
   * `milliseconds`; what is left then is cut off. Resolves with the number of those requests.
   */
  stop(milliseconds: number): Promise<number>;
}

/** Nobody may hold a connection by sending slowly. As Talos: headers, then the whole request. */
const LIMITS = {
  headersTimeout: 5_000,
  requestTimeout: 15_000,
  /** How often Node looks for those that are too slow: by default every 30 s. */
  connectionsCheckingInterval: 1_000,
  /** Longer than load balancers keep an idle connection (60 s): the client must be the one to close. */
  keepAliveTimeout: 65_000,
  /** The request line and all headers, bytes. Credentials end at 8 KiB. */
  maxHeaderSize: 16 * 1024,
};

/** How often a stopping server closes connections that have become idle, milliseconds. */
const IDLE_MILLISECONDS = 50;

/** Resolves when it listens; rejects with Node's error if it cannot. */
export async function startHttpServer(
  { host, port }: ListenAddress,
  handlers: HttpHandlers,
): Promise<HttpServer> {
  const listener = getRequestListener(
    (request, { incoming }) => handlers.fetch(request, connectionOf(incoming as IncomingMessage)),
    { errorHandler: () => handlers.refuse() },
  );
  Object.defineProperty(Response, 'json', { value: lightJson });
  const inFlight = new Set<ServerResponse>();
  const server = createServer(LIMITS, (incoming, outgoing) => {
    inFlight.add(outgoing);
    outgoing.once('close', () => inFlight.delete(outgoing));
    if (!server.listening) askToClose(outgoing);
    void listener(incoming, outgoing);
  });
  await listen(server, { host, port });
  return { url: urlOf(server), stop: (milliseconds) => stop({ server, inFlight, milliseconds }) };
}

/**
 * `Response.json` (Fetch §6.4) for the light response that `getRequestListener` has put in the place of
 * Node's own: its inherited one would make a heavy response, body stream and all, for each answer.
 */
function lightJson(value: unknown, init: ResponseInit = {}): Response {
  const headers = new LightHeaders(init.headers);
  if (!headers.has('Content-Type')) headers.set('Content-Type', 'application/json');
  return new Response(JSON.stringify(value), {
    ...init,
    headers: headers as unknown as Headers,
  });
}

function connectionOf({ socket, headers }: IncomingMessage): Connection {
  const forwarded = headers['x-forwarded-for'];
  return {
    remoteAddress: socket.remoteAddress,
    forwardedFor: Array.isArray(forwarded) ? forwarded.join(',') : forwarded,
  };
}

function listen(server: Server, address: ListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ ...address, exclusive: true }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function urlOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

interface Stop {
  readonly server: Server;
  readonly inFlight: ReadonlySet<ServerResponse>;
  readonly milliseconds: number;
}

async function stop({ server, inFlight, milliseconds }: Stop): Promise<number> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  for (const outgoing of inFlight) askToClose(outgoing);
  // `close` ends the connections that are idle now, and not those that become so.
  const sweep = setInterval(() => server.closeIdleConnections(), IDLE_MILLISECONDS);
  let cutOff = 0;
  const deadline = setTimeout(() => {
    cutOff = inFlight.size;
    server.closeAllConnections();
  }, milliseconds);
  await closed;
  clearInterval(sweep);
  clearTimeout(deadline);
  return cutOff;
}

/** Whoever still has a connection to a server that stops shall send the next request elsewhere. */
function askToClose(outgoing: ServerResponse): void {
  if (!outgoing.headersSent) outgoing.setHeader('Connection', 'close');
}
