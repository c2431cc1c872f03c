/** One control plane of this process: what it opens, in which order, and how it ends. */

import { useNativeDigests } from '@cardea/shared/crypto/native-digests';
import { createApp } from '../app.ts';
import type { ListenAddress, NodeConfig } from '../config.node.ts';
import { problemResponse } from '../http/problem.ts';
import { CACHE_CONTROL_DEFAULT, SECURITY_HEADERS } from '../http/security-headers.ts';
import type { Log } from '../log.ts';
import { countedLog, instrumentDeps } from '../observability/instrument.ts';
import { type MetricsServer, startMetricsServer } from '../observability/metrics-server.node.ts';
import { createBackgroundWork } from './background-work.ts';
import { type Connection, clientAddressOf } from './client-address.ts';
import { createNodeDeps } from './create-deps.ts';
import { type HttpServer, startHttpServer } from './http-server.ts';
import { createInstruments } from './instruments.ts';
import { nodeDigests } from './native-crypto.ts';
import { openDatabase } from './open-database.ts';
import { pruneCountersRegularly } from './prune-counters.ts';
import { createPublishing } from './publishing.ts';
import { type Stage, shutDown } from './shut-down.ts';
import { StartFailed } from './start-failed.ts';
import { createNodeStores } from './stores.ts';

export interface ControlPlane {
  /** Where the API answers. */
  readonly url: string;
  /** The operators' port, if there is one. */
  readonly metricsPort?: number;
  /** Lets what is under way finish. Resolves with the names of the stages that could not. */
  stop(): Promise<readonly string[]>;
}

export interface ControlPlaneOptions {
  /** Brings the database up to date first. */
  readonly migrate: boolean;
  readonly log: Log;
}

/** What a request that has come may take until it is answered, milliseconds. */
const REQUESTS_MILLISECONDS_MAX = 10_000;
/** The last head waits for the second that KV wants between two, milliseconds. */
const FEED_MILLISECONDS_MAX = 12_000;
/** Longer than the driver waits for statements that are still running, milliseconds. */
const DATABASE_MILLISECONDS_MAX = 7_000;
/** What each other stage of a stop may take, milliseconds. */
const STAGE_MILLISECONDS_MAX = 5_000;

/** Resolves when it answers. Throws `StartFailed` with a sentence for the operator. */
export async function startControlPlane(
  config: NodeConfig,
  options: ControlPlaneOptions,
): Promise<ControlPlane> {
  const stages: Stage[] = [];
  /** What is opened first is closed last. */
  const later = (
    name: string,
    run: () => Promise<unknown>,
    milliseconds = STAGE_MILLISECONDS_MAX,
  ) => stages.unshift({ name, milliseconds, run });
  let isStopping = false;
  const stop = () => {
    isStopping = true;
    return shutDown(stages, options.log);
  };
  try {
    return { ...(await open(config, { ...options, later, isStopping: () => isStopping })), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Opening extends ControlPlaneOptions {
  readonly later: (name: string, run: () => Promise<unknown>, milliseconds?: number) => void;
  readonly isStopping: () => boolean;
}

async function open(
  config: NodeConfig,
  { migrate, log: plainLog, later, isStopping }: Opening,
): Promise<Omit<ControlPlane, 'stop'>> {
  const instruments = createInstruments(config);
  later('traces', instruments.stop);
  const log = countedLog(plainLog, instruments.metrics);
  // Opened last and closed last: probes may ask it until everything else has ended.
  let operators: MetricsServer | undefined;
  later('metrics', async () => operators?.stop());

  const database = await openDatabase(config.database, { migrate, log });
  later('database', () => database.close(), DATABASE_MILLISECONDS_MAX);
  useNativeDigests(nodeDigests);
  const means = await createNodeStores(config, database.db);
  const publisher = await createPublishing({ config, database, means, log });
  later('feed', () => publisher.stop(), FEED_MILLISECONDS_MAX);
  instruments.readFeedFrom(publisher);

  const background = createBackgroundWork();
  const deps = createNodeDeps({
    ...{ config, means, log, publisher, background, isStopping },
    db: database.db,
    metrics: instruments.metrics,
    tracing: instruments.tracing,
    clientAddressOf: (_request, environment) => (environment as RequestEnvironment).clientAddress,
  });
  later('uses', () => deps.lastUsed.stop());
  later('background', () => background.settled());
  later('counters', pruneCountersRegularly(database.db, log));

  const app = createApp(instrumentDeps(deps), config.surface);
  const answer = (request: Request, connection: Connection) => {
    const clientAddress = clientAddressOf(connection, config.trustedProxyHops);
    return app.fetch(request, { clientAddress } satisfies RequestEnvironment);
  };
  const server = await listening('CONTROL_PLANE_PORT', config.listen, (address) =>
    startHttpServer(address, { fetch: answer, refuse }),
  );
  later('requests', () => finishRequests(server, log), 2 * REQUESTS_MILLISECONDS_MAX);
  publisher.start(); // Not before the port is ours: a process that cannot serve publishes nothing.
  const { prometheus } = instruments;
  if (config.listenMetrics === undefined || prometheus === undefined) return { url: server.url };
  const probe: RequestEnvironment = {};
  const health = (path: string) => app.fetch(new Request(`http://localhost${path}`), probe);
  operators = await listening('METRICS_PORT', config.listenMetrics, (address) =>
    startMetricsServer({ ...address, prometheus, health, log }),
  );
  return { url: server.url, metricsPort: operators.port };
}

async function finishRequests(server: HttpServer, log: Log): Promise<void> {
  const requests = await server.stop(REQUESTS_MILLISECONDS_MAX);
  if (requests > 0) log('error', 'requests_cut_off', { requests });
}

/** What the server knows of a request beside it: Hono's "bindings". Empty for probes of our own. */
interface RequestEnvironment {
  readonly clientAddress?: string | undefined;
}

/** An answer outside of the application: what came is no request. */
function refuse(): Response {
  const headers = { ...SECURITY_HEADERS, 'Cache-Control': CACHE_CONTROL_DEFAULT };
  return problemResponse({ code: 'bad_request' }, headers);
}

async function listening<T>(
  setting: string,
  address: ListenAddress,
  start: (address: ListenAddress) => Promise<T>,
): Promise<T> {
  try {
    return await start(address);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    const reason = error.code === 'EADDRINUSE' ? 'is in use' : `cannot be used (${error.code})`;
    const where = `port ${address.port} on ${address.host}`;
    throw new StartFailed(`${where} ${reason}: set ${setting} to another`, { cause: error });
  }
}
