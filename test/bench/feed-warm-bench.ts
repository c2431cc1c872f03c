/** A feed of a million revocations that an edge holds: look-ups, and heads whose tail changed. */

import { type LargeFeedShape, shapeParameters } from './large-feed.ts';
import { processorMs } from './process-figures.ts';
import { startRawWorkerd } from './raw-workerd.ts';
import { bundleWorker } from './workerd.ts';

export interface WarmFigures {
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

export async function measureWarm(shape: LargeFeedShape, rounds: number): Promise<WarmFigures> {
  const script = await bundleWorker('./feed-worker.ts');
  const workerd = await startRawWorkerd([{ name: 'feed', script }]);
  const heads = HEADS * (rounds + 1) + 1;
  const sizes = shapeParameters({ ...shape, heads });
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
