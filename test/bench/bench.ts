/**
 * `npm run bench [-- --json] [-- --quick]`: the figures of docs/benchmarks.md, measured on this
 * machine in one run, each side in turn, medians of rounds.
 */

import { parseArgs } from 'node:util';
import { measureBundle } from './bundle-size.ts';
import { benchControlPlane } from './control-plane-bench.ts';
import { benchFeed } from './feed-bench.ts';
import { benchJwt } from './jwt-bench.ts';
import { benchLists } from './list-bench.ts';
import { LOAD_GENERATOR } from './load.ts';
import { benchMacaroon } from './macaroon-bench.ts';
import { benchMacaroonWarm } from './macaroon-warm-bench.ts';
import { benchProxy } from './proxy-bench.ts';
import { benchRevocation } from './revocation-bench.ts';
import type { BenchResult } from './statistics.ts';

const { values } = parseArgs({
  options: { json: { type: 'boolean' }, quick: { type: 'boolean' } },
});

/** Goals, to be read beside the figures; a missed one is said, not failed. */
const GOALS: Record<string, { readonly is: 'at most' | 'at least'; readonly value: number }> = {
  jwt_cold_vs_webcrypto: { is: 'at most', value: 1.15 },
  jwt_cold_vs_jose: { is: 'at most', value: 0.92 },
  jwt_warm_vs_jose: { is: 'at most', value: 0.03 },
  macaroon_cold_vs_npm_macaroon: { is: 'at most', value: 0.5 },
  macaroon_cold_vs_jwt_cold: { is: 'at most', value: 0.5 },
  macaroon_warm_us: { is: 'at most', value: 5 },
  proxy_warm_vs_rewrite: { is: 'at least', value: 0.93 },
  proxy_warm_vs_passthrough: { is: 'at least', value: 0.8 },
  edge_bundle_gzip_kb: { is: 'at most', value: 40 },
  revocation_lookup_1m_us: { is: 'at most', value: 1 },
  feed_apply_tail_ms: { is: 'at most', value: 2 },
  feed_cold_load_1m_ms: { is: 'at most', value: 60 },
  feed_cold_slice_ms: { is: 'at most', value: 10 },
  feed_bytes_per_entry: { is: 'at most', value: 12.5 },
  feed_memory_per_entry: { is: 'at most', value: 16 },
  // The bounds: FEED_HARD_SECONDS, or that of lane B, and the skew.
  revocation_lane_a_max_s: { is: 'at most', value: 180 },
  revocation_lane_b_max_s: { is: 'at most', value: 70 },
  exchange_pg_vs_floor: { is: 'at least', value: 0.7 },
  verify_pg_vs_better_auth: { is: 'at least', value: 3 },
  list_first_page_1m_vs_1k: { is: 'at most', value: 2 },
  list_middle_page_1m_vs_1k: { is: 'at most', value: 2 },
  list_by_actor_1m_vs_1k: { is: 'at most', value: 2 },
  list_revoked_1m_vs_1k: { is: 'at most', value: 2 },
  list_disabled_1m_vs_1k: { is: 'at most', value: 2 },
  list_expired_1m_vs_1k: { is: 'at most', value: 2 },
};

const LOAD = { starts: 5, rounds: 8, turns: 150 };
const QUICK_LOAD = { starts: 1, rounds: 4, turns: 150 };

const results: BenchResult[] = [
  ...(await benchJwt(values.quick ? { starts: 1, rounds: 20 } : { starts: 5, rounds: 25 })),
  await benchMacaroonWarm(values.quick ? { starts: 1, rounds: 20 } : { starts: 5, rounds: 25 }),
  ...(await benchMacaroon(values.quick ? { starts: 1, rounds: 20 } : { starts: 5, rounds: 25 })),
  ...(await benchProxy({ ...(values.quick ? QUICK_LOAD : LOAD), seconds: 1 })),
  await measureBundle(),
  ...(await benchFeed(values.quick ? { starts: 1, rounds: 5 } : { starts: 5, rounds: 10 })),
  ...(await benchRevocation({ revocations: values.quick ? 40 : 200 })),
  ...(await benchControlPlane(
    values.quick ? { rounds: 2, seconds: 1 } : { rounds: 8, seconds: 2 },
  )),
  ...(values.quick ? [] : await benchLists()),
];

if (values.json) console.log(JSON.stringify({ results }));
else for (const line of report(results)) console.log(line);

function* report(all: readonly BenchResult[]): Generator<string> {
  yield `Node ${process.version}, load by ${LOAD_GENERATOR}`;
  for (const { name, ours, peer, ratio, unit } of all) {
    const goal = GOALS[name];
    const value = ratio ?? ours;
    const met =
      goal === undefined || (goal.is === 'at most' ? value <= goal.value : value >= goal.value);
    const figures = peer === null ? round(ours) : `${round(ours)} / ${round(peer)}`;
    const wanted =
      goal === undefined ? '' : `, goal ${goal.is} ${goal.value}: ${met ? 'met' : 'missed'}`;
    yield `${name.padEnd(30)} ${figures} ${unit}${ratio === null ? '' : `, ratio ${round(ratio)}`}${wanted}`;
  }
}

function round(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
