/** Runs inside workerd: several ways to do the same, in turns of some dozen milliseconds each. */

import { shuffle } from './statistics.ts';

export interface Side<State> {
  /** Does it `count` times, and throws if it once does not succeed. */
  readonly verify: (state: State, count: number) => Promise<void> | void;
  /** How often, in one turn of this side. */
  readonly turn: number;
}

/**
 * Microseconds a time, by side, a figure a round. The clock is workerd's own, which runs on (in whole
 * milliseconds) where it is not Cloudflare's.
 */
export async function measureInTurns<State>(
  state: State,
  { sides, rounds }: { sides: Readonly<Record<string, Side<State>>>; rounds: number },
): Promise<Record<string, number[]>> {
  const figures: Record<string, number[]> = {};
  for (const name of Object.keys(sides)) figures[name] = [];
  for (let round = 0; round < rounds; round++) {
    for (const [name, { verify, turn }] of shuffle(Object.entries(sides))) {
      const startedAt = performance.now();
      await verify(state, turn);
      figures[name]?.push(((performance.now() - startedAt) * 1000) / turn);
    }
  }
  return figures;
}
