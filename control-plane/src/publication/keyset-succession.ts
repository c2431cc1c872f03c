/**
 * What the newest keyset takes from the keys of the one that heads still name. The newest may wait for
 * its arrival again and again (`objectsLost`); what it takes must be true in time all the same. Pure.
 */

import { notAfterOfKeys } from '@cardea/shared/feed/keyset';
import type { UnixSeconds } from '@cardea/shared/time';

export interface KeysetSuccession {
  /** Keys that have left: they are retired. */
  readonly withdrawnKids: readonly string[];
  /** The earliest not-after that the former keyset has later: a head must name the newest before it. */
  readonly earliestEndSeconds?: UnixSeconds;
}

export const NO_SUCCESSION: KeysetSuccession = { withdrawnKids: [] };

/** From the texts of two keysets of our own; throws `TypeError` if one of them is none. */
export function successionOf(relied: string, newest: string): KeysetSuccession {
  const ends = notAfterOfKeys(newest);
  const withdrawnKids: string[] = [];
  let earliest: UnixSeconds | undefined;
  for (const [kid, reliedEnd] of notAfterOfKeys(relied)) {
    const end = ends.get(kid);
    if (end === undefined) withdrawnKids.push(kid);
    else if (end < reliedEnd && (earliest === undefined || end < earliest)) earliest = end;
  }
  return { withdrawnKids, ...(earliest === undefined ? {} : { earliestEndSeconds: earliest }) };
}
