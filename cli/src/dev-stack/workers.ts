/**
 * The two workers of the stack, each in a `wrangler dev` of its own, with their real wrangler.toml
 * and one storage. Knows command lines and settings; waits for nothing.
 */

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hashAdminToken } from '../fresh-secrets.ts';
import { REPOSITORY_FOLDER } from '../repository.ts';
import { type Child, startChild } from './child.ts';
import type { EdgeRegistration } from './edge-registration.ts';
import { renderEnvFile } from './env-file.ts';
import { LOOPBACK } from './free-ports.ts';
import { writePrivateFile } from './private-file.ts';
import { StackFailed } from './stack-failed.ts';
import type { StateFolder } from './state-folder.ts';
import { readBinding } from './wrangler-config.ts';

export const CONTROL_PLANE_CONFIG = join(REPOSITORY_FOLDER, 'control-plane/wrangler.toml');
export const EDGE_CONFIG = join(REPOSITORY_FOLDER, 'wrangler.toml');
const MIGRATIONS_FOLDER = join(REPOSITORY_FOLDER, 'control-plane/migrations/d1');

/** Wrangler without network, telemetry, update checks or files outside the state folder. */
const WRANGLER_ENV = {
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  CLOUDFLARE_LOAD_DEV_VARS_FROM_DOT_ENV: 'true',
  NO_COLOR: '1',
  WRANGLER_HIDE_BANNER: 'true',
  WRANGLER_NO_SKILLS_UPDATE_PROMPTS: 'true',
  WRANGLER_SEND_ERROR_REPORTS: 'false',
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_WRITE_LOGS: 'false',
  // It would keep the requests, headers included, in the storage folder.
  X_LOCAL_OBSERVABILITY: 'false',
};

export interface WorkerAddresses {
  readonly controlPlaneUrl: string;
  readonly originUrl: string;
  readonly hardSeconds?: number | undefined;
}

/** Wrangler's own script. Fails where nobody has installed the dependencies yet. */
export function wranglerScript(): string {
  try {
    return createRequire(import.meta.url).resolve('wrangler');
  } catch {
    throw new StackFailed('the dependencies are missing: run "npm ci" first');
  }
}

/** Starts the process that applies what is missing of the migrations, and ends. */
export function startMigration(state: StateFolder): Child {
  const databaseId = readBinding({
    file: CONTROL_PLANE_CONFIG,
    table: 'd1_databases',
    binding: 'DB',
    field: 'database_id',
  });
  const script = fileURLToPath(new URL('./migrate.ts', import.meta.url));
  return startChild({
    name: 'the database migration',
    args: [script, state.storagePath, databaseId, MIGRATIONS_FOLDER],
    cwd: REPOSITORY_FOLDER,
    logFile: join(state.logPath, 'migration.log'),
  });
}

/** The namespace that both planes share. */
export function readKvNamespaceId(): string {
  const feed = { table: 'kv_namespaces', binding: 'FEED', field: 'id' };
  return readBinding({ ...feed, file: EDGE_CONFIG });
}

export function startControlPlane(state: StateFolder, addresses: WorkerAddresses): Child {
  const { secrets } = state;
  return startWorker(state, {
    name: 'the control plane',
    slug: 'control-plane',
    config: CONTROL_PLANE_CONFIG,
    port: Number(new URL(addresses.controlPlaneUrl).port),
    settings: {
      ...controlPlaneSettings(addresses),
      CARDEA_SECRET: secrets.cardeaSecret,
      ADMIN_TOKEN_SHA256: hashAdminToken(secrets.adminToken),
      FEED_SIGNING_KEY: secrets.feedSigningKey,
    },
  });
}

export interface EdgeAddresses extends WorkerAddresses {
  readonly port: number;
  /** Without it the edge takes no macaroons. */
  readonly registration?: EdgeRegistration | undefined;
  /** The control plane, to be asked for the feed too. Such an edge may run beside one without. */
  readonly feedUrl?: string | undefined;
}

export function startEdge(state: StateFolder, addresses: EdgeAddresses): Child {
  const { feedUrl, registration } = addresses;
  return startWorker(state, {
    name: 'the edge worker',
    slug: feedUrl === undefined ? 'edge' : 'edge-lane-b',
    config: EDGE_CONFIG,
    port: addresses.port,
    settings: {
      ...sharedSettings(addresses),
      ORIGIN_URL: addresses.originUrl,
      FEED_PUBLIC_KEYS: state.secrets.feedPublicKey,
      ...(feedUrl === undefined ? {} : { FEED_URL: feedUrl }),
      ...(registration === undefined
        ? {}
        : { EDGE_ID: registration.edgeId, EDGE_SECRET: registration.secret }),
    },
  });
}

/** What both planes must be told alike. */
function sharedSettings(addresses: WorkerAddresses): Record<string, string> {
  const { controlPlaneUrl, hardSeconds } = addresses;
  return {
    ISSUER: controlPlaneUrl,
    AUDIENCE: controlPlaneUrl,
    ...(hardSeconds === undefined ? {} : { FEED_HARD_SECONDS: String(hardSeconds) }),
  };
}

/** Local KV shows every write at once, so no object has to arrive first. */
export function controlPlaneSettings(addresses: WorkerAddresses): Record<string, string> {
  return { ...sharedSettings(addresses), FEED_OBJECT_ARRIVAL_SECONDS: '0' };
}

export interface WorkerSpecification {
  readonly name: string;
  /** Names its files in the state folder. */
  readonly slug: string;
  readonly config: string;
  readonly port: number;
  readonly settings: Readonly<Record<string, string>>;
}

/** A worker of this storage, by `wrangler dev`. Workers that are started at one moment meet SQLITE_BUSY. */
export function startWorker(state: StateFolder, worker: WorkerSpecification): Child {
  const envFile = join(state.path, `${worker.slug}.env`);
  writePrivateFile(envFile, renderEnvFile(worker.settings));
  return startChild({
    name: worker.name,
    args: [
      ...[wranglerScript(), 'dev', '--config', worker.config],
      ...['--env-file', envFile, '--persist-to', state.storagePath],
      ...['--ip', LOOPBACK, '--port', String(worker.port), '--inspector-port', '0'],
      '--show-interactive-dev-session=false',
    ],
    env: { ...WRANGLER_ENV, WRANGLER_REGISTRY_PATH: state.registryPath },
    cwd: REPOSITORY_FOLDER,
    logFile: join(state.logPath, `${worker.slug}.log`),
  });
}
