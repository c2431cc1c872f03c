/** `cardea serve` as an operator runs it: its own process, secrets in the environment, any free port. */

import { randomBytes } from 'node:crypto';
import { hashAdminToken, makeFreshSecrets } from '@cardea/cli/fresh-secrets';
import { call } from './calls.ts';
import { CARDEA, type CommandEnd, type RunningCommand, startCommand } from './cardea-command.ts';

export const ISSUER = 'https://keys.example';

/** On a machine that is busy with other tests. */
const READY_MILLISECONDS_MAX = 30_000;

export interface NodeSecrets {
  readonly adminToken: string;
  readonly feedPublicKey: string;
  /** What a server of this deployment must be given. */
  readonly env: Readonly<Record<string, string>>;
}

/** The settings of a new deployment, without a database: that is the embedded one. */
export function makeNodeSecrets(): NodeSecrets {
  const { adminToken, cardeaSecret, feedPublicKey, feedSigningKey } = makeFreshSecrets();
  return {
    adminToken,
    feedPublicKey,
    env: {
      CARDEA_SECRET: cardeaSecret,
      ADMIN_TOKEN_SHA256: hashAdminToken(adminToken),
      FEED_SIGNING_KEY: feedSigningKey,
      ENVIRONMENT_ID: `e2e-${randomBytes(4).toString('hex')}`,
      ISSUER,
      CONTROL_PLANE_PORT: '0',
    },
  };
}

export type LogLine = Readonly<Record<string, unknown>>;

export interface NodeControlPlane {
  readonly url: string;
  /** Of the server itself, which the command may have started as another process. */
  readonly pid: number;
  /** Of its operators' port; empty without METRICS_PORT. */
  readonly metricsUrl: string;
  readonly command: RunningCommand;
  /** Sends SIGTERM and waits for the end. */
  readonly stop: () => Promise<CommandEnd>;
}

/** Resolves when it is ready; rejects with its last words if it ends before it has started. */
export async function startNodeControlPlane(
  env: Readonly<Record<string, string>>,
  args: readonly string[] = [],
): Promise<NodeControlPlane> {
  const command = startCommand([process.execPath, CARDEA, 'serve', ...args], { env });
  const out = await command.untilPrinted('"event":"started"');
  const line = logLines(out).find(({ event }) => event === 'started') ?? {};
  const { url, metrics_port: port } = line;
  await untilReady(String(url));
  return {
    url: String(url),
    pid: Number(line.pid),
    metricsUrl: port === undefined ? '' : `http://127.0.0.1:${port}`,
    command,
    stop: async () => {
      command.process.kill('SIGTERM');
      return command.ended;
    },
  };
}

/** The first start makes the signing key and the first head. */
async function untilReady(url: string): Promise<void> {
  const deadline = Date.now() + READY_MILLISECONDS_MAX;
  while ((await call(`${url}/health/ready`)).status !== 200) {
    if (Date.now() > deadline) throw new Error(`${url} does not become ready`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The lines that are JSON objects; a line that is not whole yet is left out. */
export function logLines(text: string): LogLine[] {
  return text.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line) as LogLine];
    } catch {
      return [];
    }
  });
}
