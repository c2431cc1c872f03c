/**
 * Requests per second through one workerd: the edge worker with a signed feed in KV, a worker that
 * only rewrites headers, and one that only passes on; each in front of the same origin, a worker in
 * the same process. 200 tokens in turn, all seen before. And what a request takes of the processor on
 * the thread that runs all of them, in short turns: that is steadier by far.
 */

import {
  ENVIRONMENT_ID,
  type FeedFixture,
  HEAD_OBJECT,
  ISSUER,
  makeFeedFixture,
} from './feed-fixture.ts';
import { requestsPerSecond } from './load.ts';
import { processorMs } from './process-figures.ts';
import { type RawWorker, type RunningRawWorkerd, startRawWorkerd } from './raw-workerd.ts';
import { type BenchResult, compare, interleave } from './statistics.ts';
import { createTurnLoad } from './turn-load.ts';
import { bundleWorker } from './workerd.ts';

const TOKENS = 200;
const CONNECTIONS = 32;
const TURN_REQUESTS = 64;
const REVOCATIONS = 1000;
const PATH = '/v1/notes';
const ROUTES = JSON.stringify([{ methods: ['GET'], path: PATH, scopes: ['notes:read'] }]);
const SIDES = ['edge', 'rewrite', 'passthrough'] as const;

interface ProxyRun {
  /** Starts of a new workerd: how fast a process runs is partly decided when it starts. */
  readonly starts: number;
  readonly rounds: number;
  readonly seconds: number;
  /** Of the processor times: each is {@link TURN_REQUESTS} requests of every side. */
  readonly turns: number;
}

export async function benchProxy({ starts, ...run }: ProxyRun): Promise<BenchResult[]> {
  const measured: Measured[] = [];
  for (let start = 0; start < starts; start++) measured.push(await measureOnce(run));
  const pairOf = (of: keyof Measured, side: Side) => ({
    ours: measured.flatMap((each) => each[of].edge),
    peer: measured.flatMap((each) => each[of][side]),
    unit: of === 'rates' ? 'requests/s' : 'µs',
  });
  return [
    compare('proxy_warm_vs_rewrite', pairOf('rates', 'rewrite')),
    compare('proxy_warm_vs_passthrough', pairOf('rates', 'passthrough')),
    compare('proxy_processor_vs_rewrite', pairOf('processor', 'rewrite')),
    compare('proxy_processor_vs_passthrough', pairOf('processor', 'passthrough')),
  ];
}

type Side = (typeof SIDES)[number];
type Figures = Record<Side, number[]>;

interface Measured {
  /** Requests a second. */
  readonly rates: Figures;
  /** Microseconds a request. */
  readonly processor: Figures;
}

async function measureOnce({
  rounds,
  seconds,
  turns,
}: Omit<ProxyRun, 'starts'>): Promise<Measured> {
  const nowSeconds = Math.floor(Date.now() / 1000);
  const counts = { tokenCount: TOKENS, entryCount: REVOCATIONS };
  const fixture = await makeFeedFixture({ nowSeconds, ...counts });
  const { tokens } = fixture;
  const workerd = await startRawWorkerd(await workersFor(fixture));
  try {
    for (const side of SIDES) {
      const headers = { authorization: `Bearer ${tokens[0]}` };
      const first = await fetch(new URL(PATH, workerd.urlOf(side)), { headers });
      if (!first.ok) throw new Error(`${side}: ${first.status} ${await first.text()}`);
    }
    const rates = await interleave(SIDES, {
      rounds,
      measure: (side) => {
        const url = new URL(PATH, workerd.urlOf(side));
        return requestsPerSecond({ url, tokens, seconds, connections: CONNECTIONS });
      },
    });
    return { rates, processor: await processorTimes(workerd, tokens, turns) };
  } finally {
    await workerd.stop();
  }
}

/** Of workerd's main thread: it runs the side that is asked, and the origin for all of them alike. */
async function processorTimes(
  workerd: RunningRawWorkerd,
  tokens: readonly string[],
  turns: number,
): Promise<Figures> {
  const loadOf = (side: Side) => {
    const url = new URL(PATH, workerd.urlOf(side));
    return createTurnLoad({ url, tokens, connections: CONNECTIONS });
  };
  const loads: Record<Side, ReturnType<typeof loadOf>> = {
    edge: loadOf('edge'),
    rewrite: loadOf('rewrite'),
    passthrough: loadOf('passthrough'),
  };
  try {
    return await interleave(SIDES, {
      rounds: turns,
      measure: async (side) => {
        const before = processorMs(workerd.pid);
        await loads[side].run(TURN_REQUESTS);
        return ((processorMs(workerd.pid) - before) * 1000) / TURN_REQUESTS;
      },
    });
  } finally {
    for (const side of SIDES) loads[side].close();
  }
}

async function workersFor(fixture: FeedFixture): Promise<RawWorker[]> {
  const text = {
    ...{ ENVIRONMENT_ID, ISSUER, ROUTES },
    ORIGIN_URL: 'http://origin.bench.example',
    FEED_PUBLIC_KEYS: fixture.feedPublicKey,
    FEED_HARD_SECONDS: '3600', // The feed of this measurement gets no heartbeat.
  };
  const objects = { [HEAD_OBJECT]: fixture.head, [fixture.keyset.name]: fixture.keyset.text };
  const common = { text, outbound: 'origin' };
  return [
    { name: 'origin', script: await bundleWorker('./origin-worker.ts') },
    {
      ...{ name: 'kv', script: await bundleWorker('./kv-worker.ts') },
      text: { OBJECTS: JSON.stringify(objects) },
    },
    {
      ...{ name: 'edge', script: await bundleWorker('../../edge-worker/src/worker.ts') },
      ...{ ...common, feed: 'kv' },
    },
    { name: 'rewrite', script: await bundleWorker('./rewrite-worker.ts'), ...common },
    { name: 'passthrough', script: await bundleWorker('./passthrough-worker.ts'), ...common },
  ];
}
