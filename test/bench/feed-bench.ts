/**
 * The feed at a million live revocations, in workerd: four look-ups, a head whose tail changed, the cold
 * load, and memory. Times are processor times of workerd's main thread, as the kernel counts them: its
 * own clock counts in milliseconds, and what waits for another process is not the edge's.
 */

import { type ColdLoad, measureCold, measureSwap } from './feed-cold-bench.ts';
import { measureWarm, type WarmFigures } from './feed-warm-bench.ts';
import { type LargeFeed, type LargeFeedShape, makeLargeFeed } from './large-feed.ts';
import { type BenchResult, compare, median } from './statistics.ts';

/** Ten segments of the sizes that the publisher makes, and the tail of a few revocations a second. */
const SHAPE: LargeFeedShape = {
  segments: [
    ...[160_000, 160_000, 160_000, 160_000, 160_000, 131_000],
    ...[33_000, 17_000, 10_000, 9_000],
  ],
  tailEntries: 2048,
};

interface FeedRun {
  /** Starts of a new workerd: each load is one of a cold isolate. */
  readonly starts: number;
  readonly rounds: number;
}

export async function benchFeed({ starts, rounds }: FeedRun): Promise<BenchResult[]> {
  const warm: WarmFigures[] = [];
  const cold: ColdLoad[] = [];
  const nowSeconds = Math.floor(Date.now() / 1000);
  const feed = await makeLargeFeed({ ...SHAPE, nowSeconds, heads: 1 });
  for (let start = 0; start < starts; start++) {
    warm.push(await measureWarm(SHAPE, rounds));
    cold.push(await measureCold(feed));
  }
  const signer = feed.signer;
  const next = await makeLargeFeed({ ...SHAPE, nowSeconds: nowSeconds + 1, heads: 1, signer });
  const swapMb = await measureSwap(feed, next);
  const of = <T>(all: readonly T[], pick: (each: T) => number) => all.map(pick);
  const loads = {
    ...{ ours: of(cold, ({ totalMs }) => totalMs), peer: of(cold, ({ floorMs }) => floorMs) },
    unit: 'ms',
  };
  return [
    figure(
      'revocation_lookup_1m_us',
      'us',
      warm.flatMap(({ lookupUs }) => lookupUs),
    ),
    figure(
      'feed_apply_tail_ms',
      'ms',
      warm.flatMap(({ applyMs }) => applyMs),
    ),
    compare('feed_cold_load_1m_ms', loads),
    figure(
      'feed_cold_slice_ms',
      'ms',
      of(cold, ({ worstMs }) => worstMs),
    ),
    figure('feed_bytes_per_entry', 'B', [storedBytesPerEntry(feed)]),
    figure(
      'feed_memory_per_entry',
      'B',
      of(warm, ({ bytesPerEntry }) => bytesPerEntry),
    ),
    figure(
      'feed_resident_1m_mb',
      'MB',
      of(cold, ({ residentMb }) => residentMb),
    ),
    figure('feed_resident_swap_1m_mb', 'MB', [swapMb]),
  ];
}

function figure(name: string, unit: string, values: readonly number[]): BenchResult {
  return { name, ours: median(values), peer: null, ratio: null, unit };
}

/** Everything in KV, by the entries that it tells. */
function storedBytesPerEntry({ objects }: LargeFeed): number {
  const bytes = [...objects.values()].reduce((sum, { length }) => sum + length, 0);
  const entries = SHAPE.segments.reduce((sum, count) => sum + count, SHAPE.tailEntries);
  return bytes / entries;
}
