/**
 * The invariants of docs/feed.md under everything that KV, clocks, crashes and a writer of KV may do:
 * A SIMULATION, with a model of KV, because the local emulation shows every write at once.
 *
 * A failing run prints its seed. `SIMULATION_SEED=17 npx vitest run test/simulation` repeats one run,
 * `SIMULATION_SEEDS=5000` tries more of them.
 */

import { describe, expect, test } from 'vitest';
import { InvariantBroken } from './ledger.ts';
import { EDGE_FLAWS } from './plain-edge.ts';
import { type Outcome, type Plan, simulate } from './simulate.ts';

const SEEDS = Number(process.env.SIMULATION_SEEDS ?? 100);
const ONE_SEED = process.env.SIMULATION_SEED;
/** Enough for every planted flaw to show; nearly all show in the first. */
const SEEDS_FOR_FLAWS = 4;
const MILLISECONDS_MAX = 120_000 + SEEDS * 1_000;

function seedsUpTo(count: number): number[] {
  if (ONE_SEED !== undefined) return [Number(ONE_SEED)];
  return Array.from({ length: count }, (_, index) => index + 1);
}

async function run(plan: Plan): Promise<Outcome> {
  try {
    return await simulate(plan);
  } catch (error) {
    const replay = `SIMULATION_SEED=${plan.seed} npx vitest run test/simulation`;
    throw new Error(`seed ${plan.seed}: ${error}. Replay: ${replay}`, { cause: error });
  }
}

/** The first invariant that breaks over the seeds, with its seed. */
async function firstBroken(plan: Omit<Plan, 'seed'>) {
  for (const seed of seedsUpTo(SEEDS_FOR_FLAWS)) {
    try {
      await simulate({ ...plan, seed });
    } catch (error) {
      if (error instanceof InvariantBroken) return { seed, invariant: error.invariant };
      throw error;
    }
  }
  return undefined;
}

describe('the shipped edge and the shipped plan of the publisher', () => {
  test(
    `keep invariants 1 to 5 over ${seedsUpTo(SEEDS).length} seeds`,
    async () => {
      const total: Record<string, number> = {};
      for (const seed of seedsUpTo(SEEDS)) {
        const outcome = await run({ seed });
        for (const [name, count] of Object.entries(outcome))
          total[name] = (total[name] ?? 0) + count;
      }
      // No empty runs: everything that is ruled out above has had its chance.
      if (ONE_SEED !== undefined) return;
      const { accepted = 0, revoked = 0, stale = 0, degraded = 0 } = total;
      const { unknownKey = 0, deadOrExpired = 0, restarts = 0 } = total;
      for (const count of [
        accepted,
        revoked,
        stale,
        degraded,
        unknownKey,
        deadOrExpired,
        restarts,
      ]) {
        expect(count).toBeGreaterThan(100);
      }
      // And an edge that refused everything would keep them as well.
      expect(accepted).toBeGreaterThan(stale);
    },
    MILLISECONDS_MAX,
  );

  test('run the same from the same seed, and otherwise from another', async () => {
    const first = await simulate({ seed: 7 });
    expect(await simulate({ seed: 7 })).toEqual(first);
    expect(await simulate({ seed: 8 })).not.toEqual(first);
  });
});

describe('a planted flaw is found', () => {
  const INVARIANT = {
    accepts_a_lower_seq: [3],
    trusts_by_time_of_arrival: [1],
    verifies_no_signature: [5],
    verifies_no_keyset_hash: [5],
    swaps_in_two_steps: [5],
  } as const satisfies Record<(typeof EDGE_FLAWS)[number], readonly number[]>;

  test.each(EDGE_FLAWS)(
    'in an edge: %s',
    async (edge) => {
      const found = await firstBroken({ edge, hasAttacker: true });
      expect(INVARIANT[edge]).toContain(found?.invariant);
    },
    MILLISECONDS_MAX,
  );

  test.each([
    ...(['stamps_after_reading', 'publishes_only_news', 'prunes_early'] as const),
    'forgets_what_it_lost' as const,
  ])(
    'in a publisher: %s',
    async (publisher) => {
      expect(await firstBroken({ publisher })).toMatchObject({ invariant: 4 });
    },
    MILLISECONDS_MAX,
  );

  test(
    'and not without one: the plain edge keeps the invariants',
    async () => {
      expect(await firstBroken({ edge: 'none', hasAttacker: true })).toBeUndefined();
    },
    MILLISECONDS_MAX,
  );
});
