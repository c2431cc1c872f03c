/**
 * Epochs: how long one macaroon key mints. They follow from the clock alone: epoch n of a length L is
 * the time from n·L on. Pure.
 */

export interface Epoch {
  readonly startSeconds: number;
  readonly lengthSeconds: number;
}

/** How long keys are in use around their epochs, seconds. */
export interface EpochTimes {
  readonly epochSeconds: number;
  /** A key is in the feed for so long before its epoch begins: several times a bound. */
  readonly leadSeconds: number;
  /** A key verifies for so long after its epoch has ended: the longest lifetime and the skew. */
  readonly livesSeconds: number;
}

export function epochAt(nowSeconds: number, lengthSeconds: number): Epoch {
  const startSeconds = Math.floor(nowSeconds / lengthSeconds) * lengthSeconds;
  return { startSeconds, lengthSeconds };
}

export function endOf({ startSeconds, lengthSeconds }: Epoch): number {
  return startSeconds + lengthSeconds;
}

/**
 * The epochs whose keys edges need, oldest first: the ended ones that a living token may be from, the
 * present one, and the next one once it is near.
 */
export function epochsInUse(
  nowSeconds: number,
  { epochSeconds, leadSeconds, livesSeconds }: EpochTimes,
): readonly Epoch[] {
  const oldest = epochAt(nowSeconds - livesSeconds, epochSeconds).startSeconds;
  const newest = epochAt(nowSeconds + leadSeconds, epochSeconds).startSeconds;
  const epochs: Epoch[] = [];
  for (let start = oldest; start <= newest; start += epochSeconds) {
    epochs.push({ startSeconds: start, lengthSeconds: epochSeconds });
  }
  return epochs;
}
