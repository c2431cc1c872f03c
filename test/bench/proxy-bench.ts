/**
 * Requests per second through one workerd: the edge worker with a signed feed in KV, a worker that
 * only rewrites headers, and one that only passes on; each in front of the same origin, a worker in
 * the same process. 200 tokens in turn, all seen before.
 */

import {
  ENVIRONMENT_ID,
  type FeedFixture,
  HEAD_OBJECT,
  ISSUER,
  makeFeedFixture,
} from './feed-fixture.ts';
import { requestsPerSecond } from './load.ts';
import { type RawWorker, startRawWorkerd } from './raw-workerd.ts';
import { type BenchResult, compare, interleave } from './statistics.ts';
import { bundleWorker } from './workerd.ts';

const TOKENS = 200;
const CONNECTIONS = 32;
const REVOCATIONS = 1000;
const PATH = '/v1/notes';
const ROUTES = JSON.stringify([{ methods: ['GET'], path: PATH, scopes: ['notes:read'] }]);
const SIDES = ['edge', 'rewrite', 'passthrough'] as const;

interface ProxyRun {
  /** Starts of a new workerd: how fast a process runs is partly decided when it starts. */
  readonly starts: number;
  readonly rounds: number;
  readonly seconds: number;
}

export async function benchProxy({ starts, ...run }: ProxyRun): Promise<BenchResult[]> {
  const figures: Figures[] = [];
  for (let start = 0; start < starts; start++) figures.push(await measureOnce(run));
  const all = (side: keyof Figures) => figures.flatMap((each) => each[side]);
  const ours = all('edge');
  const unit = 'requests/s';
  return [
    compare('proxy_warm_vs_rewrite', { ours, peer: all('rewrite'), unit }),
    compare('proxy_warm_vs_passthrough', { ours, peer: all('passthrough'), unit }),
  ];
}

type Figures = Record<(typeof SIDES)[number], number[]>;

async function measureOnce({ rounds, seconds }: Omit<ProxyRun, 'starts'>): Promise<Figures> {
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
    return await interleave(SIDES, {
      rounds,
      measure: (side) => {
        const url = new URL(PATH, workerd.urlOf(side));
        return requestsPerSecond({ url, tokens, seconds, connections: CONNECTIONS });
      },
    });
  } finally {
    await workerd.stop();
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
