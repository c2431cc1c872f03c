/**
 * A model of how long a revocation takes through Workers KV, because local KV shows every write at once.
 * It is a model and no measurement: Cloudflare states no distribution. The parts are taken as
 * independent and uniform:
 *
 *   publisher  0–1 s    the second that KV wants between two heads
 *   store      0–5 s    until a location that asks anew is given the new head
 *   cache      0–30 s   what is left of a copy that the location keeps (`cacheTtl: 30`)
 *   refresh    0–10 s   until the isolate looks again
 */

import { createRandom } from '../simulation/random.ts';

const PARTS_SECONDS = [1, 5, 30, 10] as const;
const DRAWS = 10_000;
const SEED = 4;

/** Seconds from the acknowledgement to the last acceptance by lane A, as the model draws them. */
export function modelledSeconds(): readonly number[] {
  const random = createRandom(SEED);
  return Array.from({ length: DRAWS }, () =>
    PARTS_SECONDS.reduce((sum, seconds) => sum + seconds * random.fraction(), 0),
  );
}
