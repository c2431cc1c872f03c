/** Verification inside workerd, the same tokens in turn: ours, bare WebCrypto, jose. */

import { type BenchResult, compare } from './statistics.ts';
import { bundleWorker, COMPATIBILITY_DATE, startWorkerd } from './workerd.ts';

const TOKENS = 500;

interface JwtRun {
  /** Starts of a new workerd: how fast a process runs is partly decided when it starts. */
  readonly starts: number;
  readonly rounds: number;
}

export async function benchJwt({ starts, rounds }: JwtRun): Promise<BenchResult[]> {
  const figures: Figures[] = [];
  for (let start = 0; start < starts; start++) figures.push(await measureOnce(rounds));
  const all = (side: keyof Figures) => figures.flatMap((each) => each[side]);
  return [
    compare('jwt_cold_vs_webcrypto', { ours: all('cardea'), peer: all('webcrypto'), unit: 'us' }),
    compare('jwt_cold_vs_jose', { ours: all('cardea'), peer: all('jose'), unit: 'us' }),
    compare('jwt_warm_vs_jose', { ours: all('warm'), peer: all('jose'), unit: 'us' }),
  ];
}

type Figures = Record<'cardea' | 'webcrypto' | 'jose' | 'warm', number[]>;

async function measureOnce(rounds: number): Promise<Figures> {
  const workerd = await startWorkerd({
    modules: true,
    script: await bundleWorker('./jwt-worker.ts'),
    compatibilityDate: COMPATIBILITY_DATE,
  });
  try {
    const answer = await fetch(new URL(`/?tokens=${TOKENS}&rounds=${rounds}`, workerd.url));
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    return (await answer.json()) as Figures;
  } finally {
    await workerd.stop();
  }
}
