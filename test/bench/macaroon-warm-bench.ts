/** The edge's decision about macaroons that it has seen before, inside workerd. */

import { type BenchResult, median } from './statistics.ts';
import { bundleWorker, COMPATIBILITY_DATE, startWorkerd } from './workerd.ts';

const TOKENS = 500;

interface MacaroonWarmRun {
  readonly starts: number;
  readonly rounds: number;
}

export async function benchMacaroonWarm(run: MacaroonWarmRun): Promise<BenchResult> {
  const figures: number[] = [];
  for (let start = 0; start < run.starts; start++) figures.push(...(await measureOnce(run)));
  const ours = median(figures);
  return { name: 'macaroon_warm_us', ours, peer: null, ratio: null, unit: 'us' };
}

async function measureOnce({ rounds }: MacaroonWarmRun): Promise<number[]> {
  const workerd = await startWorkerd({
    modules: true,
    script: await bundleWorker('./macaroon-warm-worker.ts'),
    compatibilityDate: COMPATIBILITY_DATE,
  });
  try {
    const answer = await fetch(new URL(`/?tokens=${TOKENS}&rounds=${rounds}`, workerd.url));
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    return (await answer.json()) as number[];
  } finally {
    await workerd.stop();
  }
}
