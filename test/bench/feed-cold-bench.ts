/**
 * The worker as it is deployed loads a feed of a million revocations, its KV in another process, one
 * request after the other; and, once, it swaps it for another one with no segment in common.
 */

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ENVIRONMENT_ID, HEAD_OBJECT, ISSUER } from './feed-fixture.ts';
import type { LargeFeed } from './large-feed.ts';
import { memoryMb, processorMs } from './process-figures.ts';
import { type RunningRawWorkerd, startRawWorkerd } from './raw-workerd.ts';
import { bundleWorker } from './workerd.ts';

export interface ColdLoad {
  /** Processor time of all requests until the edge was ready, and of the one that took most. */
  readonly totalMs: number;
  readonly worstMs: number;
  /** Processor time to read and hash the same objects, one a request: the floor. */
  readonly floorMs: number;
  /** How much more memory the process has than before. */
  readonly residentMb: number;
}

/** Requests that a load may take. */
const REQUESTS_MAX = 100;

export async function measureCold(feed: LargeFeed): Promise<ColdLoad> {
  const { kv, workerd, stop } = await startEdge(feed);
  const edge = workerd.urlOf('edge');
  const floor = workerd.urlOf('floor');
  try {
    // The workers' own start and their first answers are not the feed's.
    await ask(new URL('/.cardea/health', edge));
    await ask(new URL(HEAD_OBJECT, floor));
    const before = memoryMb(workerd.pid).resident;
    const slices = await askUntilReady(workerd.pid, edge);
    const residentMb = memoryMb(workerd.pid).resident - before;
    let floorMs = 0;
    for (const name of kv.feed.objects.keys()) {
      floorMs += (await timed(workerd.pid, new URL(name, floor))).tookMs;
    }
    const totalMs = slices.reduce((sum, slice) => sum + slice, 0);
    return { totalMs, worstMs: Math.max(...slices), floorMs, residentMb };
  } finally {
    await stop();
  }
}

/** The most memory that the process has had beyond what it began with, after a swap of everything. */
export async function measureSwap(feed: LargeFeed, next: LargeFeed): Promise<number> {
  const { kv, workerd, stop } = await startEdge(feed);
  const edge = workerd.urlOf('edge');
  try {
    await ask(new URL('/.cardea/health', edge));
    const before = memoryMb(workerd.pid).resident;
    await askUntilReady(workerd.pid, edge);
    kv.feed = next;
    const seqOf = async () => {
      const { feed: state } = (await (await fetch(new URL('/.cardea/ready', edge))).json()) as {
        feed: { seq: number };
      };
      return state.seq;
    };
    const former = await seqOf();
    while ((await seqOf()) === former) await new Promise((resolve) => setTimeout(resolve, 100));
    return memoryMb(workerd.pid).peak - before;
  } finally {
    await stop();
  }
}

interface Kv {
  /** What is served now. */
  feed: LargeFeed;
}

async function startEdge(feed: LargeFeed) {
  const kv: Kv = { feed };
  const server = await startKv(kv);
  const namespace = { port: (server.address() as AddressInfo).port };
  const workerd: RunningRawWorkerd = await startRawWorkerd([
    { name: 'floor', script: await bundleWorker('./feed-floor-worker.ts'), feed: namespace },
    {
      name: 'edge',
      script: await bundleWorker('../../edge-worker/src/worker.ts'),
      feed: namespace,
      text: {
        ...{ ENVIRONMENT_ID, ISSUER, FEED_PUBLIC_KEYS: feed.feedPublicKey },
        ...{ ORIGIN_URL: 'http://origin.bench.example', FEED_HARD_SECONDS: '3600' },
        ROUTES: '[{"path":"/*","scopes":[]}]',
      },
    },
  ]);
  const stop = async () => {
    await workerd.stop();
    server.close();
  };
  return { kv, workerd, stop };
}

async function startKv(kv: Kv): Promise<Server> {
  const server = createServer((request, response) => {
    const name = decodeURIComponent(request.url?.split('?')[0]?.slice(1) ?? '');
    const value = kv.feed.objects.get(name);
    response.writeHead(value === undefined ? 404 : 200).end(value);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function askUntilReady(pid: number, edge: URL): Promise<number[]> {
  const slices: number[] = [];
  while (slices.length < REQUESTS_MAX) {
    const { status, tookMs } = await timed(pid, new URL('/.cardea/ready', edge));
    slices.push(tookMs);
    if (status === 200) return slices;
  }
  throw new Error('The edge does not become ready.');
}

async function timed(pid: number, url: URL): Promise<{ status: number; tookMs: number }> {
  const startedAt = processorMs(pid);
  const status = await ask(url);
  return { status, tookMs: processorMs(pid) - startedAt };
}

async function ask(url: URL): Promise<number> {
  const response = await fetch(url);
  await response.arrayBuffer();
  return response.status;
}
