/**
 * The feed at a million live revocations, in workerd: four look-ups, a head whose tail changed, and the
 * cold load by the worker as it is deployed. What is measured is the processor time of workerd's main
 * thread, as the kernel counts it: its own clock counts in milliseconds, and waits for other work too.
 */

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ENVIRONMENT_ID, ISSUER } from './feed-fixture.ts';
import { type LargeFeed, makeLargeFeed } from './large-feed.ts';
import { startRawWorkerd } from './raw-workerd.ts';
import { type BenchResult, median } from './statistics.ts';
import { bundleWorker } from './workerd.ts';

/** Seven segments, as large as the publisher makes them. */
const SEGMENTS = 7;
const SEGMENT_ENTRIES = 143_000;
/** The tail of a feed with a few revocations a second. */
const TAIL_ENTRIES = 2048;

interface FeedRun {
  /** Starts of a new workerd: each load is one of a cold isolate. */
  readonly starts: number;
  readonly rounds: number;
}

export async function benchFeed({ starts, rounds }: FeedRun): Promise<BenchResult[]> {
  const warm: WarmFigures[] = [];
  const cold: ColdLoad[] = [];
  const feed = await makeLargeFeed({
    nowSeconds: Math.floor(Date.now() / 1000),
    segments: Array(SEGMENTS).fill(SEGMENT_ENTRIES),
    ...{ tailEntries: TAIL_ENTRIES, heads: 1 },
  });
  for (let start = 0; start < starts; start++) {
    warm.push(await measureWarm(rounds));
    cold.push(await measureCold(feed));
  }
  const figure = (name: string, values: readonly number[], unit: string): BenchResult => ({
    ...{ name, ours: median(values), peer: null, ratio: null, unit },
  });
  return [
    figure(
      'revocation_lookup_1m_us',
      warm.flatMap(({ lookupUs }) => lookupUs),
      'us',
    ),
    figure(
      'feed_apply_tail_ms',
      warm.flatMap(({ applyMs }) => applyMs),
      'ms',
    ),
    figure(
      'feed_cold_load_1m_ms',
      cold.map(({ totalMs }) => totalMs),
      'ms',
    ),
    figure(
      'feed_cold_slice_ms',
      cold.map(({ worstMs }) => worstMs),
      'ms',
    ),
    figure('feed_bytes_per_entry', [storedBytesPerEntry(feed)], 'B'),
    figure(
      'feed_memory_per_entry',
      warm.map(({ bytesPerEntry }) => bytesPerEntry),
      'B',
    ),
    figure(
      'feed_resident_1m_mb',
      cold.map(({ residentMb }) => residentMb),
      'MB',
    ),
  ];
}

/** Everything in KV, by the entries that it tells. */
function storedBytesPerEntry({ objects }: LargeFeed): number {
  const bytes = [...objects.values()].reduce((sum, { length }) => sum + length, 0);
  return bytes / (SEGMENTS * SEGMENT_ENTRIES + TAIL_ENTRIES);
}

interface WarmFigures {
  /** Microseconds for four look-ups of scopes that are not revoked, a figure a round. */
  readonly lookupUs: readonly number[];
  /** Milliseconds to read, verify and apply a head whose tail changed, a figure a round. */
  readonly applyMs: readonly number[];
  /** Bytes of entries and filters, an entry. */
  readonly bytesPerEntry: number;
}

const LOOKUPS = 400_000;
const LOOKUPS_PER_REQUEST = 4;
const HEADS = 20;

async function measureWarm(rounds: number): Promise<WarmFigures> {
  const script = await bundleWorker('./feed-worker.ts');
  const workerd = await startRawWorkerd([{ name: 'feed', script }]);
  const heads = HEADS * (rounds + 1) + 1;
  const sizes = `segments=${SEGMENTS}&entries=${SEGMENT_ENTRIES}&tail=${TAIL_ENTRIES}&heads=${heads}`;
  const ask = async (path: string, count: number) => {
    const url = new URL(`${path}?count=${count}&${sizes}`, workerd.urlOf('feed'));
    const startedAt = processorMs(workerd.pid);
    const answer = await fetch(url);
    const tookMs = processorMs(workerd.pid) - startedAt;
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    return { tookMs, state: (await answer.json()) as { entries: number; bytes: number } };
  };
  try {
    await ask('/nothing', 0);
    for (const [path, count] of [
      ['/apply', HEADS],
      ['/lookup', LOOKUPS],
    ] as const) {
      await ask(path, count); // Warm-up, not counted.
    }
    const lookupUs: number[] = [];
    const applyMs: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const idle = (await ask('/nothing', 0)).tookMs;
      applyMs.push(((await ask('/apply', HEADS)).tookMs - idle) / HEADS);
      const lookups = (await ask('/lookup', LOOKUPS)).tookMs - idle;
      lookupUs.push((lookups * 1000 * LOOKUPS_PER_REQUEST) / LOOKUPS);
    }
    const { bytes, entries } = (await ask('/nothing', 0)).state;
    return { lookupUs, applyMs, bytesPerEntry: bytes / entries };
  } finally {
    await workerd.stop();
  }
}

interface ColdLoad {
  /** Processor time of all requests until the edge was ready, and of the one that took most. */
  readonly totalMs: number;
  readonly worstMs: number;
  /** How much more memory the process has than before. */
  readonly residentMb: number;
}

/** The worker as it is deployed, its KV in another process; one request after the other until one is accepted. */
async function measureCold(feed: LargeFeed): Promise<ColdLoad> {
  const kv = createServer((request, response) => {
    const value = feed.objects.get(decodeURIComponent(request.url?.split('?')[0]?.slice(1) ?? ''));
    response.writeHead(value === undefined ? 404 : 200).end(value);
  }).listen(0, '127.0.0.1');
  await once(kv, 'listening');
  const workerd = await startRawWorkerd([
    {
      name: 'edge',
      script: await bundleWorker('../../edge-worker/src/worker.ts'),
      feed: { port: (kv.address() as AddressInfo).port },
      text: {
        ...{ ENVIRONMENT_ID, ISSUER, FEED_PUBLIC_KEYS: feed.feedPublicKey },
        ...{ ORIGIN_URL: 'http://origin.bench.example', FEED_HARD_SECONDS: '3600' },
        ROUTES: '[{"path":"/*","scopes":[]}]',
      },
    },
  ]);
  const ask = async (path: string) => (await fetch(new URL(path, workerd.urlOf('edge')))).status;
  try {
    // The worker's own start and its first answer are not the feed's.
    if ((await ask('/.cardea/health')) !== 200) throw new Error('The edge does not run.');
    const before = residentMb(workerd.pid);
    const slices: number[] = [];
    for (let status = 503; status !== 200; ) {
      const startedAt = processorMs(workerd.pid);
      status = await ask('/.cardea/ready');
      slices.push(processorMs(workerd.pid) - startedAt);
      if (slices.length > 2 * SEGMENTS) throw new Error(`The edge answers ${status}.`);
    }
    const totalMs = slices.reduce((sum, slice) => sum + slice, 0);
    return { totalMs, worstMs: Math.max(...slices), residentMb: residentMb(workerd.pid) - before };
  } finally {
    await workerd.stop();
    kv.close();
  }
}

/** Time that the main thread, on which the worker runs, has run, by the kernel's own count. */
function processorMs(pid: number): number {
  const [nanoseconds] = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ');
  return Number(nanoseconds) / 1e6;
}

function residentMb(pid: number): number {
  const [, kilobytes] =
    /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return (Number(kilobytes) * 1024) / 1e6;
}
