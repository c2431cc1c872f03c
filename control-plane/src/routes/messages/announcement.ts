/** Says in a header how far a revocation has come: see `Announcement`. */

import type { Announcement } from '../../revocations/revocation.ts';

/** `acknowledged`: the bound runs from now. `accepted`: it will, once the publisher has the row. */
export function announcementHeader(announcement: Announcement): Record<string, string> {
  return { 'Cardea-Revocation': announcement };
}
