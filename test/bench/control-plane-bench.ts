/**
 * Verifications and exchanges per second of the whole control plane over HTTP: on PostgreSQL (Node)
 * and on D1 (workerd), beside what a user would otherwise pick: better-auth's API keys on the same
 * PostgreSQL, and the floor under any exchange (one indexed select, one Ed25519 signature). 200 keys
 * in turn on 32 connections; sides take turns.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { makeNodeSecrets, startNodeControlPlane } from '../e2e/harness/node-control-plane.ts';
import { startThrowawayStack } from '../e2e/harness/throwaway-stack.ts';
import { createDatabase, startPostgresServer } from '../stores/postgres-server.ts';
import { installBetterAuth } from './peers/install-better-auth.ts';
import { type PostLoad, postLoad } from './post-load.ts';
import { type BenchResult, compare, interleave, median } from './statistics.ts';

const KEYS = 200;
const CONNECTIONS = 32;
const JSON_HEADERS = { 'Content-Type': 'application/json' };
const FLOOR = fileURLToPath(new URL('./peers/floor-server.ts', import.meta.url));

export interface ControlPlaneRun {
  readonly rounds: number;
  readonly seconds: number;
}

type Target = Pick<PostLoad, 'url' | 'headers' | 'bodies'>;
type Targets = ReadonlyMap<string, Target>;

export async function benchControlPlane(run: ControlPlaneRun): Promise<BenchResult[]> {
  return [...(await benchPostgres(run)), ...(await benchD1(run))];
}

async function benchPostgres(run: ControlPlaneRun): Promise<BenchResult[]> {
  const postgres = await startPostgresServer();
  const stops: Array<() => unknown> = [() => postgres.dispose()];
  try {
    const { adminToken, env } = makeNodeSecrets();
    const DATABASE_URL = await createDatabase(postgres.url);
    const ours = await startNodeControlPlane({ ...env, DATABASE_URL }, ['--migrate']);
    stops.push(() => ours.stop());
    const targets = new Map(await targetsOf({ url: ours.url, adminToken }));
    const floor = await startPeer([FLOOR, await createDatabase(postgres.url)]);
    stops.push(floor.stop);
    targets.set(
      'floor',
      peerTarget(
        floor,
        '/',
        floor.list.map((id) => ({ id })),
      ),
    );
    const peer = await startBetterAuth(await createDatabase(postgres.url));
    if (peer !== undefined) {
      stops.push(peer.stop);
      targets.set(
        'better-auth',
        peerTarget(
          peer,
          '/verify',
          peer.list.map((key) => ({ key })),
        ),
      );
    }
    const { rates, p99 } = await measure(targets, run);
    const unit = 'requests/s';
    const side = (name: string) => ({ ours: rates[name] ?? [], unit });
    return [
      compare('exchange_pg_vs_floor', { ...side('exchange'), peer: rates.floor ?? [] }),
      ...(peer === undefined
        ? []
        : [
            compare('verify_pg_vs_better_auth', {
              ...side('verify'),
              peer: rates['better-auth'] ?? [],
            }),
          ]),
      alone('verify_pg_p99', p99.verify ?? [], 'ms'),
      alone('exchange_pg_p99', p99.exchange ?? [], 'ms'),
    ];
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

async function benchD1(run: ControlPlaneRun): Promise<BenchResult[]> {
  const { stack, dispose } = await startThrowawayStack({});
  try {
    const targets = await targetsOf({ url: stack.controlPlaneUrl, adminToken: stack.adminToken });
    const { rates, p99 } = await measure(targets, run);
    return [
      alone('verify_d1', rates.verify ?? [], 'requests/s'),
      alone('exchange_d1', rates.exchange ?? [], 'requests/s'),
      alone('verify_d1_p99', p99.verify ?? [], 'ms'),
      alone('exchange_d1_p99', p99.exchange ?? [], 'ms'),
    ];
  } finally {
    await dispose();
  }
}

function alone(name: string, figures: readonly number[], unit: string): BenchResult {
  return { name, ours: median(figures), peer: null, ratio: null, unit };
}

async function measure(targets: Targets, { rounds, seconds }: ControlPlaneRun) {
  const p99: Record<string, number[]> = {};
  const rates: Record<string, number[]> = await interleave([...targets.keys()], {
    rounds,
    measure: async (side) => {
      const target = targets.get(side);
      if (target === undefined) throw new Error(`There is no side ${side}.`);
      const figures = await postLoad({ ...target, seconds, connections: CONNECTIONS });
      p99[side] = [...(p99[side] ?? []), figures.p99Milliseconds];
      return figures.requestsPerSecond;
    },
  });
  return { rates, p99 };
}

/** Issues the keys, and says how each operation is asked for. */
async function targetsOf(server: { url: string; adminToken: string }): Promise<Targets> {
  const headers = { ...JSON_HEADERS, Authorization: `Bearer ${server.adminToken}` };
  const secrets: string[] = [];
  for (let i = 0; i < KEYS; i++) {
    const response = await fetch(`${server.url}/v2alpha1/admin/issuedApiKeys`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ name: `bench ${i}`, actor_id: `actor ${i}`, scopes: ['notes:read'] }),
    });
    const { secret } = (await response.json()) as { secret: string };
    secrets.push(secret);
  }
  await untilReady(server.url);
  const form = (client_secret: string) =>
    new URLSearchParams({ grant_type: 'client_credentials', client_secret }).toString();
  return new Map([
    [
      'verify',
      {
        url: `${server.url}/v2alpha1/admin/apiKeys:verify`,
        headers,
        bodies: secrets.map((credential) => JSON.stringify({ credential })),
      },
    ],
    [
      'exchange',
      {
        url: `${server.url}/oauth2/token`,
        headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
        bodies: secrets.map(form),
      },
    ],
  ]);
}

async function untilReady(url: string): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if ((await fetch(`${url}/health/ready`)).ok) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${url} is not ready.`);
}

interface Peer {
  readonly port: number;
  readonly list: readonly string[];
  readonly stop: () => void;
}

async function startBetterAuth(databaseUrl: string): Promise<Peer | undefined> {
  const installed = await installBetterAuth();
  if (installed === undefined) return undefined;
  const peer = await startPeer([installed.script, databaseUrl, String(KEYS)]);
  return {
    ...peer,
    stop: () => {
      peer.stop();
      installed.dispose();
    },
  };
}

/** Starts a server that says in its first line where it listens and what it may be asked for. */
async function startPeer(args: readonly string[]): Promise<Peer> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const said = JSON.parse(await firstLine(child));
  return { port: said.port, list: said.ids ?? said.keys, stop: () => void child.kill('SIGTERM') };
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const end = text.indexOf('\n');
      if (end >= 0) resolve(text.slice(0, end));
    });
    child.on('close', (code) => reject(new Error(`A peer ended with ${code}.`)));
  });
}

function peerTarget(peer: Peer, path: string, bodies: readonly object[]): Target {
  return {
    url: `http://127.0.0.1:${peer.port}${path}`,
    headers: JSON_HEADERS,
    bodies: bodies.slice(0, KEYS).map((body) => JSON.stringify(body)),
  };
}
