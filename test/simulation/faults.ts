/** What goes wrong in a run, and when it ends: weather, outages, crashes, losses. */

import type { D1Weather } from './d1-stand-in.ts';
import { CALM_KV, type KvWeather } from './kv-stand-in.ts';
import type { Random } from './random.ts';
import type { Story } from './story.ts';
import type { Tally } from './tally.ts';
import type { World } from './world.ts';

export interface Faults {
  readonly kv: KvWeather;
  readonly database: D1Weather;
  /** Between edges and the control plane; from 0 to 1 per request. */
  readonly network: { lost: number; slow: number };
  crashChance: number;
  cancelledChance: number;
}

export function chooseFaults(random: Random): Faults {
  const isRough = random.chance(0.6);
  const rough = (chance: number) => (isRough ? chance : 0);
  return {
    kv: {
      propagationMillisecondsMax: random.pick([500, 15_000, 60_000, 120_000]),
      ...{ writeLost: rough(0.1), writeLate: rough(0.05), writeTwice: rough(0.1) },
      ...{ writeTorn: rough(0.05), readFailure: rough(0.05), readSlow: rough(0.02) },
      staleRead: rough(0.1),
    },
    database: { answerLost: rough(0.02), slow: rough(0.01) },
    network: { lost: rough(0.1), slow: rough(0.03) },
    crashChance: random.pick([0, 0.002, 0.01]),
    cancelledChance: 0.02,
  };
}

/** From now on nothing goes wrong that has not gone wrong already. */
export function calmDown(faults: Faults): void {
  Object.assign(faults.kv, CALM_KV);
  Object.assign(faults.database, { answerLost: 0, slow: 0 });
  Object.assign(faults.network, { lost: 0, slow: 0 });
  faults.crashChance = 0;
  faults.cancelledChance = 0;
}

export interface Outage {
  readonly name: string;
  readonly begin: () => void;
  readonly end: () => void;
}

export interface FaultParts {
  readonly world: World;
  readonly random: Random;
  readonly story: Story;
  readonly tally: Tally;
  /** Milliseconds of the run in which something may go wrong. */
  readonly length: number;
}

/** Each of them once, for a while, and over before the faults are. */
export function planOutages(parts: FaultParts, outages: readonly Outage[]): void {
  const { world, random, story, tally, length } = parts;
  for (const { name, begin, end } of outages) {
    const startsAt = random.integer(length / 6, length - 10_000);
    world.after(startsAt, () => {
      story.tell('faults', `${name} begins`);
      tally.count(name);
      begin();
      world.after(random.integer(5_000, Math.min(150_000, length - startsAt)), () => {
        story.tell('faults', `${name} ends`);
        end();
      });
    });
  }
}

/** One of the losses: what two of them have forgotten may be left nowhere. */
export function planLoss(
  parts: FaultParts,
  losses: ReadonlyArray<readonly [string, () => void]>,
): void {
  const { world, random, story, tally, length } = parts;
  const chosen = losses[random.integer(0, losses.length)];
  if (chosen === undefined) return;
  const [name, lose] = chosen;
  world.after(random.integer(length / 4, length - 5_000), () => {
    story.tell('faults', name);
    tally.count(name);
    lose();
  });
}
