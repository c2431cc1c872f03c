/** Medians of interleaved rounds: the machine's drift hits both sides alike. */

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

export interface BenchResult {
  readonly name: string;
  readonly ours: number;
  readonly peer: number | null;
  /** ours / peer, the median over rounds of the ratio within a round; `null` without a peer. */
  readonly ratio: number | null;
  readonly unit: string;
}

/** Whoever comes next pays for what the last one left behind (garbage, caches): so nobody always does. */
export function shuffle<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, at: Math.random() }))
    .sort((one, other) => one.at - other.at)
    .map(({ item }) => item);
}

/** Runs every side once a round, in any order, and keeps each side's figures in the order of rounds. */
export async function interleave<Side extends string>(
  sides: readonly Side[],
  { rounds, measure }: { rounds: number; measure: (side: Side) => Promise<number> },
): Promise<Record<Side, number[]>> {
  const figures = Object.fromEntries(sides.map((side) => [side, []])) as unknown as Record<
    Side,
    number[]
  >;
  for (const side of sides) await measure(side); // Warm-up, not counted.
  for (let round = 0; round < rounds; round++) {
    for (const side of shuffle(sides)) figures[side].push(await measure(side));
  }
  return figures;
}

export function compare(
  name: string,
  { ours, peer, unit }: { ours: readonly number[]; peer: readonly number[]; unit: string },
): BenchResult {
  const ratios = ours.map((value, round) => value / (peer[round] ?? Number.NaN));
  return { name, ours: median(ours), peer: median(peer), ratio: median(ratios), unit };
}
