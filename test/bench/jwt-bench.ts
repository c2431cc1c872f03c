/** Verification inside workerd, the same tokens in turn: ours, bare WebCrypto, jose. */

import { type BenchResult, compare } from './statistics.ts';
import { bundleWorker, COMPATIBILITY_DATE, startWorkerd } from './workerd.ts';

const TOKENS = 500;

export async function benchJwt({ rounds }: { rounds: number }): Promise<BenchResult[]> {
  const workerd = await startWorkerd({
    modules: true,
    script: await bundleWorker('./jwt-worker.ts'),
    compatibilityDate: COMPATIBILITY_DATE,
  });
  try {
    const answer = await fetch(new URL(`/?tokens=${TOKENS}&rounds=${rounds}`, workerd.url));
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    const figures = (await answer.json()) as Record<
      'cardea' | 'webcrypto' | 'jose' | 'warm',
      number[]
    >;
    const { cardea, webcrypto, jose, warm } = figures;
    return [
      compare('jwt_cold_vs_webcrypto', { ours: cardea, peer: webcrypto, unit: 'us' }),
      compare('jwt_cold_vs_jose', { ours: cardea, peer: jose, unit: 'us' }),
      compare('jwt_warm_vs_jose', { ours: warm, peer: jose, unit: 'us' }),
    ];
  } finally {
    await workerd.stop();
  }
}
