/**
 * Verifications and exchanges per second of the whole control plane over HTTP: on PostgreSQL (Node)
 * and on D1 (workerd), beside what a user would otherwise pick: better-auth's API keys on the same
 * PostgreSQL, and the floor under any exchange (one indexed select, one Ed25519 signature). 200 keys
 * in turn on 32 connections; sides take turns.
 */

import { fileURLToPath } from 'node:url';
import { connectPostgres } from '@cardea/control-plane/database/postgres';
import { makeNodeSecrets, startNodeControlPlane } from '../e2e/harness/node-control-plane.ts';
import { startThrowawayStack } from '../e2e/harness/throwaway-stack.ts';
import { createDatabase, startPostgresServer } from '../stores/postgres-server.ts';
import { installBetterAuth } from './peers/install-better-auth.ts';
import { type Peer, startPeer } from './peers/start-peer.ts';
import { type PostLoad, postLoad } from './post-load.ts';
import { processorMicroseconds } from './process-figures.ts';
import { type BenchResult, compare, interleave, median } from './statistics.ts';

const KEYS = 200;
const CONNECTIONS = 32;
const JSON_HEADERS = { 'Content-Type': 'application/json' };
const FLOOR = fileURLToPath(new URL('./peers/floor-server.ts', import.meta.url));

export interface ControlPlaneRun {
  readonly rounds: number;
  readonly seconds: number;
}

type Target = Pick<PostLoad, 'url' | 'headers' | 'bodies'> & {
  /** Of the server, and of the database's for it: those whose processor time counts. */
  readonly processes?: () => Promise<readonly number[]>;
};
type Targets = ReadonlyMap<string, Target>;

export async function benchControlPlane(run: ControlPlaneRun): Promise<BenchResult[]> {
  return [...(await benchPostgres(run)), ...(await benchD1(run))];
}

async function benchPostgres(run: ControlPlaneRun): Promise<BenchResult[]> {
  const postgres = await startPostgresServer();
  const stops: Array<() => unknown> = [() => postgres.dispose()];
  const { close, sql } = connectPostgres(postgres.url, { connectionsMax: 1 });
  stops.push(close);
  const processesOf = (pid: number, databaseUrl: string) => async () => {
    const name = new URL(databaseUrl).pathname.slice(1);
    const rows = await sql`SELECT pid FROM pg_stat_activity WHERE datname = ${name}`;
    return [pid, ...rows.map((row) => Number(row.pid))];
  };
  try {
    const { adminToken, env } = makeNodeSecrets();
    const DATABASE_URL = await createDatabase(postgres.url);
    const ours = await startNodeControlPlane({ ...env, DATABASE_URL }, ['--migrate']);
    stops.push(() => ours.stop());
    const processes = processesOf(ours.pid, DATABASE_URL);
    const targets = new Map(
      [...(await targetsOf({ url: ours.url, adminToken }))].map(
        ([name, target]) => [name, { ...target, processes }] as const,
      ),
    );
    const floorDatabase = await createDatabase(postgres.url);
    const floor = await startPeer([FLOOR, floorDatabase]);
    stops.push(floor.stop);
    const floorBodies = floor.list.map((id) => ({ id }));
    targets.set('floor', {
      ...peerTarget(floor, '/', floorBodies),
      processes: processesOf(floor.pid, floorDatabase),
    });
    const peerDatabase = await createDatabase(postgres.url);
    const peer = await startBetterAuth(peerDatabase);
    if (peer !== undefined) {
      stops.push(peer.stop);
      const peerBodies = peer.list.map((key) => ({ key }));
      targets.set('better-auth', {
        ...peerTarget(peer, '/verify', peerBodies),
        processes: processesOf(peer.pid, peerDatabase),
      });
    }
    const { rates, processor, p99 } = await measure(targets, run);
    const pairs = [
      ['exchange_pg_vs_floor', 'exchange_pg_processor', 'exchange', 'floor'],
      ['verify_pg_vs_better_auth', 'verify_pg_processor', 'verify', 'better-auth'],
    ] as const;
    return [
      ...pairs.flatMap(([rate, time, ours, other]) => {
        if (!targets.has(other)) return [];
        const pair = (of: Figures) => ({ ours: of[ours] ?? [], peer: of[other] ?? [] });
        return [
          compare(rate, { ...pair(rates), unit: 'requests/s' }),
          compare(time, { ...pair(processor), unit: 'µs' }),
        ];
      }),
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

/** By side, one of each round. */
type Figures = Readonly<Record<string, readonly number[]>>;

/** Rates are requests a second; `processor` is microseconds a request. The warm-up is left out. */
async function measure(targets: Targets, { rounds, seconds }: ControlPlaneRun) {
  const p99: Record<string, number[]> = {};
  const processor: Record<string, number[]> = {};
  const rates: Figures = await interleave([...targets.keys()], {
    rounds,
    measure: async (side) => {
      const target = targets.get(side);
      if (target === undefined) throw new Error(`There is no side ${side}.`);
      const processes = (await target.processes?.()) ?? [];
      const before = sum(processes.map(processorMicroseconds));
      const figures = await postLoad({ ...target, seconds, connections: CONNECTIONS });
      const taken = sum(processes.map(processorMicroseconds)) - before;
      p99[side] = [...(p99[side] ?? []), figures.p99Milliseconds];
      const perRequest = taken / (figures.requestsPerSecond * seconds);
      processor[side] = [...(processor[side] ?? []), perRequest];
      return figures.requestsPerSecond;
    },
  });
  const withoutWarmUp = (figures: Record<string, number[]>): Figures =>
    Object.fromEntries(Object.entries(figures).map(([side, list]) => [side, list.slice(1)]));
  return { rates, processor: withoutWarmUp(processor), p99: withoutWarmUp(p99) };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
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

function peerTarget(peer: Peer, path: string, bodies: readonly object[]): Target {
  return {
    url: `http://127.0.0.1:${peer.port}${path}`,
    headers: JSON_HEADERS,
    bodies: bodies.slice(0, KEYS).map((body) => JSON.stringify(body)),
  };
}
