/**
 * The invariants of docs/feed.md under everything that KV, clocks, crashes, losses and a writer of KV may
 * do (docs/simulation.md). A SIMULATION, because the local emulation of KV shows every write at once.
 *
 * A failing run prints its seed: `npm run simulate -- --seed S` tells its story.
 */

import { describe, expect, test } from 'vitest';
import { PLAIN_EDGE, PLANTS, type Plant } from './plants.ts';
import { type Plan, simulate } from './simulate.ts';
import { SEEDS_DEFAULT, Survey } from './survey.ts';

/** In which a planted bug has to be found; most are in the first few. */
const SEEDS_FOR_PLANTS = 200;
const MILLISECONDS_MAX = 1_200_000;

async function surveyOf(seeds: number, plan: Omit<Plan, 'seed'> = {}): Promise<Survey> {
  const survey = new Survey();
  for (let seed = 1; seed <= seeds; seed++) survey.add(seed, await simulate({ ...plan, seed }));
  return survey;
}

describe('the shipped publisher and the shipped edge', () => {
  test(
    `keep invariants 1 to 5 over ${SEEDS_DEFAULT} seeds, and come right by themselves`,
    async () => {
      const survey = await surveyOf(SEEDS_DEFAULT);
      expect(survey.broken).toEqual([]);
      // No empty runs: everything that is ruled out above has had its chance.
      for (const what of [
        ...[
          'accepted',
          'degraded',
          'fallback',
          'lane B is away',
          'token_revoked',
          'feed_stale',
          'feed_invalid',
        ],
        ...['signing_key_unknown', 'signing_key_not_live', 'token_expired', 'isolate restarts'],
        ...['minted', 'acknowledged', 'accepted later', 'leaked keys', 'attacked'],
        ...['the database is away', 'the database is restored', 'the database fails over'],
        ...['the hub is away', 'the hub loses its storage', 'a publisher stands still'],
        ...['restored under the present mark', 'revocations that nothing remembers'],
      ]) {
        expect({ what, seeds: survey.seedsWith(what) > 0 }).toEqual({ what, seeds: true });
      }
      expect(survey.namesWith('crash ').length).toBeGreaterThan(40);
    },
    MILLISECONDS_MAX,
  );

  test(
    'run the same from the same seed, and otherwise from another',
    async () => {
      for (const runtime of ['workers', 'node'] as const) {
        const told = await simulate({ seed: 7, runtime, isTold: true });
        const again = await simulate({ seed: 7, runtime, isTold: true });
        expect(again.story.lines).toEqual(told.story.lines);
        const untold = await simulate({ seed: 7, runtime });
        expect(untold.story.digest).toBe(told.story.digest);
        const other = await simulate({ seed: 8, runtime });
        expect(other.story.digest).not.toBe(told.story.digest);
      }
    },
    MILLISECONDS_MAX,
  );
});

describe('a planted bug is found', () => {
  test.each(PLANTS.map((plant) => [plant.name, plant] as const))(
    '%s',
    async (_, plant) => {
      const { consequence = plant.invariant, invariant } = plant;
      expect([invariant, consequence]).toContain(await firstFound(plant, SEEDS_FOR_PLANTS));
    },
    MILLISECONDS_MAX,
  );

  test('for each of the invariants that edges and publishers share', () => {
    expect([...new Set(PLANTS.map(({ invariant }) => invariant))].sort()).toEqual([1, 2, 3, 4, 5]);
  });

  test(
    'and not without one: the plain edge keeps the invariants',
    async () => {
      expect((await surveyOf(10, { plant: PLAIN_EDGE })).broken).toEqual([]);
    },
    MILLISECONDS_MAX,
  );
});

/** The invariant that breaks first over the seeds. */
async function firstFound(plant: Plant, seeds: number): Promise<number | undefined> {
  for (let seed = 1; seed <= seeds; seed++) {
    const { violations } = await simulate({ seed, plant });
    if (violations[0] !== undefined) return violations[0].invariant;
  }
  return undefined;
}
