/**
 * The edge worker in a bare workerd, as production runs it: no development server in front that would
 * tidy up what arrives. Behind it an origin that keeps what reaches it. Loopback only, free ports.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import {
  ENVIRONMENT_ID,
  type FeedFixture,
  HEAD_OBJECT,
  ISSUER,
  makeFeedFixture,
} from '../../bench/feed-fixture.ts';
import { bundleWorker, COMPATIBILITY_DATE } from '../../bench/workerd.ts';

export interface SeenRequest {
  readonly method: string | undefined;
  readonly target: string | undefined;
  /** Names in lowercase; values of one name in their order. */
  readonly headers: NodeJS.Dict<string[]>;
  readonly body: string;
}

export interface RawEdge {
  readonly token: string;
  /** What has reached the origin since the last call. */
  takeSeen(): SeenRequest[];
  /** `host:port` of the origin. */
  readonly originHost: string;
  /** Writes `bytes` on a connection of its own; everything that comes back until it is closed. */
  send(bytes: string): Promise<string>;
  stop(): Promise<void>;
}

export async function startRawEdge(routes: readonly unknown[]): Promise<RawEdge> {
  const nowSeconds = Math.floor(Date.now() / 1000);
  const fixture = await makeFeedFixture({ nowSeconds, tokenCount: 1, entryCount: 1 });
  const seen: SeenRequest[] = [];
  const origin = await startOrigin(seen);
  const originHost = `127.0.0.1:${portOf(origin)}`;
  const folder = mkdtempSync(join(tmpdir(), 'cardea-raw-'));
  const workerd = await startWorkerd(folder, settingsOf(fixture, originHost, routes), fixture);
  return {
    token: fixture.tokens[0] ?? '',
    originHost,
    takeSeen: () => seen.splice(0),
    send: (bytes) => exchange(workerd.port, bytes),
    async stop() {
      workerd.child.kill('SIGTERM');
      await workerd.exited;
      origin.closeAllConnections();
      origin.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function startOrigin(seen: SeenRequest[]): Promise<Server> {
  const server = createServer(async (request, response) => {
    const body = await text(request);
    const { method, url: target, headersDistinct: headers } = request;
    seen.push({ method, target, headers, body });
    response.end('from the origin');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

function settingsOf(fixture: FeedFixture, originHost: string, routes: readonly unknown[]) {
  return {
    ...{ ENVIRONMENT_ID, ISSUER },
    ORIGIN_URL: `http://${originHost}/base`,
    ROUTES: JSON.stringify(routes),
    FEED_PUBLIC_KEYS: fixture.feedPublicKey,
    FEED_HARD_SECONDS: '3600', // No publisher runs here.
  };
}

async function startWorkerd(
  folder: string,
  settings: Readonly<Record<string, string>>,
  { head, keyset }: FeedFixture,
): Promise<{ port: number; child: ChildProcess; exited: Promise<unknown> }> {
  const objects = JSON.stringify({ [HEAD_OBJECT]: head, [keyset.name]: keyset.text });
  writeFileSync(join(folder, 'edge.mjs'), await bundleWorker('../../edge-worker/src/worker.ts'));
  writeFileSync(join(folder, 'kv.mjs'), await bundleWorker('./kv-worker.ts'));
  // A text of Cap'n Proto's schema language is quoted as in JSON.
  const bindings = Object.entries(settings).map(
    ([name, value]) => `(name = "${name}", text = ${JSON.stringify(value)})`,
  );
  const config = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "edge", worker = (modules = [(name = "main", esModule = embed "edge.mjs")],
      compatibilityDate = "${COMPATIBILITY_DATE}", globalOutbound = "network",
      bindings = [(name = "FEED", kvNamespace = "kv"), ${bindings.join(', ')}])),
    (name = "kv", worker = (modules = [(name = "main", esModule = embed "kv.mjs")],
      compatibilityDate = "${COMPATIBILITY_DATE}",
      bindings = [(name = "OBJECTS", text = ${JSON.stringify(objects)})])),
    (name = "network", network = (allow = ["local", "private", "public"])),
  ],
  sockets = [(name = "edge", address = "127.0.0.1:0", http = (), service = "edge")],
);
`;
  const configPath = join(folder, 'config.capnp');
  writeFileSync(configPath, config);
  const { default: binary }: { default: string } = createRequire(import.meta.url)('workerd');
  const child = spawn(binary, ['serve', configPath, '--control-fd=3'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  const exited = once(child, 'exit');
  const [line] = await once(child.stdio[3] as Readable, 'data');
  const event: { port: number } = JSON.parse(String(line).split('\n')[0] ?? '');
  return { port: event.port, child, exited };
}

/** How long a connection may stay without an answer before it is given up. */
const SILENCE_MILLISECONDS = 1500;

function exchange(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes, 'latin1'));
    let received = '';
    socket.setTimeout(SILENCE_MILLISECONDS, () => socket.destroy());
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error);
    });
    socket.on('close', () => resolve(received));
  });
}
