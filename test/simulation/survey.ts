/** What happened over many seeds: in how many of them, and how often. */

import type { Outcome } from './simulate.ts';

/** As many as `npm test` runs. */
export const SEEDS_DEFAULT = 200;

interface Count {
  seeds: number;
  times: number;
}

export class Survey {
  seeds = 0;
  violations = 0;
  readonly broken: Array<{ readonly seed: number; readonly what: string }> = [];
  readonly #counts = new Map<string, Count>();

  add(seed: number, { tally, violations }: Outcome): void {
    this.seeds++;
    this.violations += violations.length > 0 ? 1 : 0;
    const [first] = violations;
    if (first !== undefined) this.broken.push({ seed, what: first.what });
    for (const [what, times] of tally.counts) {
      const known = this.#counts.get(what) ?? { seeds: 0, times: 0 };
      this.#counts.set(what, { seeds: known.seeds + 1, times: known.times + times });
    }
  }

  /** In how many seeds it happened. */
  seedsWith(what: string): number {
    return this.#counts.get(what)?.seeds ?? 0;
  }

  /** Everything that happened under a name that begins so. */
  namesWith(start: string): string[] {
    return [...this.#counts.keys()].filter((name) => name.startsWith(start));
  }

  lines(): string[] {
    return [...this.#counts]
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([what, { seeds, times }]) => `${what}: ${times} times in ${seeds} seeds`);
  }
}
