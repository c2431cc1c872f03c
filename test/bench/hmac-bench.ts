/**
 * `node test/bench/hmac-bench.ts`: which HMAC-SHA-256 a macaroon's chain is to be computed with, measured
 * inside workerd. Decided once (docs/adr/0011-hmac-of-macaroons.md); not a part of `npm run bench`.
 */

import { median } from './statistics.ts';
import { bundleWorker, COMPATIBILITY_DATE, startWorkerd } from './workerd.ts';

const STARTS = 3;
const figures: Record<string, number[]> = {};
for (let start = 0; start < STARTS; start++) {
  const workerd = await startWorkerd({
    modules: true,
    script: await bundleWorker('./hmac-worker.ts'),
    compatibilityDate: COMPATIBILITY_DATE,
    compatibilityFlags: ['nodejs_compat'],
  });
  try {
    const answer = await fetch(new URL('/?rounds=20', workerd.url));
    const measured = (await answer.json()) as Record<string, number[]>;
    for (const [name, times] of Object.entries(measured)) {
      figures[name] = [...(figures[name] ?? []), ...times];
    }
  } finally {
    await workerd.stop();
  }
}
for (const [name, times] of Object.entries(figures)) {
  console.log(`${name.padEnd(10)} ${median(times).toFixed(1)} µs a chain of six`);
}
