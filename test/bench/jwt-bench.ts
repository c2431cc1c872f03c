/** Verification inside workerd, the same tokens in turn: ours, bare WebCrypto, jose. */

import { type BenchResult, compare, interleave } from './statistics.ts';
import { bundleWorker, COMPATIBILITY_DATE, startWorkerd } from './workerd.ts';

const TOKENS = 500;
/** Verifications a round; the warm ones are so short that it takes more to measure them. */
const PER_ROUND = { cardea: 1500, webcrypto: 1500, jose: 1500, warm: 100_000 };

export async function benchJwt({ rounds }: { rounds: number }): Promise<BenchResult[]> {
  const script = await bundleWorker('./jwt-worker.ts');
  const workerd = await startWorkerd({
    modules: true,
    script,
    compatibilityDate: COMPATIBILITY_DATE,
  });
  const call = async (path: string): Promise<void> => {
    const answer = await fetch(new URL(path, workerd.url));
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    await answer.arrayBuffer();
  };
  try {
    await call(`/prepare?n=${TOKENS}`);
    const microseconds = await interleave(['cardea', 'webcrypto', 'jose', 'warm'], {
      rounds,
      measure: async (side) => {
        const n = PER_ROUND[side];
        const start = process.hrtime.bigint();
        await call(`/${side}?n=${n}`);
        return Number(process.hrtime.bigint() - start) / 1000 / n;
      },
    });
    const { cardea, webcrypto, jose, warm } = microseconds;
    return [
      compare('jwt_cold_vs_webcrypto', { ours: cardea, peer: webcrypto, unit: 'us' }),
      compare('jwt_cold_vs_jose', { ours: cardea, peer: jose, unit: 'us' }),
      compare('jwt_warm_vs_jose', { ours: warm, peer: jose, unit: 'us' }),
    ];
  } finally {
    await workerd.stop();
  }
}
