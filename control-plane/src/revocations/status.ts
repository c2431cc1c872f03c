/** How far a revocation is on its way to the edges. Pure. */

import type { UnixSeconds } from '@cardea/shared/time';
import type { RevocationQuery } from './ledger.ts';
import type { Revocation } from './revocation.ts';

/**
 * `waiting`: takes effect later (the overlap of a rotation). `accepted`: the publisher will fetch it.
 * `acknowledged`: the publisher has it, the bound runs. `published`: a head that contains it has been
 * written. `ended`: no token that it could match lives any more.
 */
export const REVOCATION_STATUSES = [
  'waiting',
  'accepted',
  'acknowledged',
  'published',
  'ended',
] as const;

export type RevocationStatus = (typeof REVOCATION_STATUSES)[number];

/** Of the announcer: whether rows are acknowledged by their commit. */
interface Acknowledging {
  readonly acknowledgesCommits: boolean;
}

export function statusOfRevocation(
  revocation: Revocation,
  { now, acknowledgesCommits }: Acknowledging & { readonly now: UnixSeconds },
): RevocationStatus {
  if (revocation.expiresAtSeconds <= now) return 'ended';
  if (revocation.effectiveAtSeconds > now) return 'waiting';
  if (revocation.publishedSeq !== undefined) return 'published';
  return acknowledgesCommits || revocation.isAcknowledged ? 'acknowledged' : 'accepted';
}

/** Which rows have the status, in the words of the ledger; `undefined` if none can have it. */
export function rowsWithStatus(
  status: RevocationStatus,
  { acknowledgesCommits }: Acknowledging,
): Pick<RevocationQuery, 'stage' | 'isAcknowledged'> | undefined {
  switch (status) {
    case 'acknowledged':
      return acknowledgesCommits
        ? { stage: 'unpublished' }
        : { stage: 'unpublished', isAcknowledged: true };
    case 'accepted':
      return acknowledgesCommits ? undefined : { stage: 'unpublished', isAcknowledged: false };
    default:
      return { stage: status };
  }
}
