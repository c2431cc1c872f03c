/** Macaroons inside workerd: ours, npm's `macaroon`, and our own JWTs with the same claims. */

import { type BenchResult, compare } from './statistics.ts';
import { bundleWorker, COMPATIBILITY_DATE, startWorkerd } from './workerd.ts';

const TOKENS = 500;

interface MacaroonRun {
  readonly starts: number;
  readonly rounds: number;
}

type Figures = Record<'cardea' | 'npmMacaroon' | 'jwt', number[]>;

export async function benchMacaroon({ starts, rounds }: MacaroonRun): Promise<BenchResult[]> {
  const figures: Figures[] = [];
  for (let start = 0; start < starts; start++) figures.push(await measureOnce(rounds));
  const all = (side: keyof Figures) => figures.flatMap((each) => each[side]);
  const ours = all('cardea');
  return [
    compare('macaroon_cold_vs_npm_macaroon', { ours, peer: all('npmMacaroon'), unit: 'us' }),
    compare('macaroon_cold_vs_jwt_cold', { ours, peer: all('jwt'), unit: 'us' }),
  ];
}

async function measureOnce(rounds: number): Promise<Figures> {
  const workerd = await startWorkerd({
    modules: true,
    script: await bundleWorker('./macaroon-worker.ts', { alias: { util: './text-codecs.ts' } }),
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
