/**
 * The control plane on Node as a process: where its entry is, and how it runs inside the local stack,
 * pushing the feed into the storage of the edge worker that runs beside it.
 */

import { join } from 'node:path';
import { hashAdminToken } from '../fresh-secrets.ts';
import { REPOSITORY_FOLDER } from '../repository.ts';
import { type Child, startChild } from './child.ts';
import { LOOPBACK } from './free-ports.ts';
import type { StateFolder } from './state-folder.ts';
import {
  CONTROL_PLANE_CONFIG,
  controlPlaneSettings,
  readKvNamespaceId,
  type WorkerAddresses,
} from './workers.ts';
import { readVars } from './wrangler-config.ts';

export const NODE_CONTROL_PLANE = join(REPOSITORY_FOLDER, 'control-plane/src/node.ts');

/** Where `wrangler dev` serves the paths of Cloudflare's REST API for its local storage. */
const LOCAL_API_PATH = '/cdn-cgi/local/explorer/api';

/** What a user may set about it; everything else of the local stack is fixed. */
const PASSED_ON = [
  ...['DATABASE_URL', 'DATABASE_CONNECTIONS_MAX', 'METRICS_HOST', 'METRICS_PORT'],
  ...['TRUSTED_PROXY_HOPS', 'LOG_LEVEL'],
];

export interface NodeAddresses extends WorkerAddresses {
  readonly edgeUrl: string;
  /** The user's environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Starts it on the state folder's secrets; it brings its database up to date itself. */
export function startNodeControlPlane(state: StateFolder, addresses: NodeAddresses): Child {
  const { secrets } = state;
  const passedOn = PASSED_ON.flatMap((name) => {
    const value = addresses.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return startChild({
    name: 'the control plane',
    args: [NODE_CONTROL_PLANE, '--migrate'],
    env: {
      ...readVars(CONTROL_PLANE_CONFIG), // The same names and bounds as on Workers.
      ...controlPlaneSettings(addresses),
      ...Object.fromEntries(passedOn),
      CONTROL_PLANE_HOST: LOOPBACK,
      CONTROL_PLANE_PORT: new URL(addresses.controlPlaneUrl).port,
      CARDEA_STATE_FOLDER: state.path,
      CARDEA_SECRET: secrets.cardeaSecret,
      ADMIN_TOKEN_SHA256: hashAdminToken(secrets.adminToken),
      FEED_SIGNING_KEY: secrets.feedSigningKey,
      KV_API_URL: `${addresses.edgeUrl}${LOCAL_API_PATH}`,
      KV_NAMESPACE_ID: readKvNamespaceId(),
      KV_API_TOKEN: 'local', // Nobody checks it there.
    },
    cwd: REPOSITORY_FOLDER,
    logFile: join(state.logPath, 'control-plane.log'),
  });
}
