/** Tells the hub about revocations right after their commit. */

import type { Log } from '../../log.ts';
import type { RevocationAnnouncer } from '../../revocations/revocation.ts';
import type { RevocationStore } from '../../revocations/store.ts';
import { within } from '../../within.ts';
import { entryOf } from '../synchronise.ts';
import type { HubApi } from './hub-api.ts';

/** How long a revoking client waits for the acknowledgement before it hears `accepted`. */
const ACKNOWLEDGEMENT_MILLISECONDS_MAX = 2000;

export interface AnnouncerParts {
  readonly hub: Pick<HubApi, 'acknowledge'>;
  readonly revocations: Pick<RevocationStore, 'markAcknowledged'>;
  readonly log: Log;
}

export function createHubAnnouncer({ hub, revocations, log }: AnnouncerParts): RevocationAnnouncer {
  return {
    acknowledgesCommits: false,
    async announce(rows) {
      if (rows.length === 0) return 'acknowledged';
      try {
        await within(ACKNOWLEDGEMENT_MILLISECONDS_MAX, hub.acknowledge(rows.map(entryOf)));
      } catch (error) {
        // The rows are committed: the hub finds them in the database by itself.
        log('error', 'revocation_not_acknowledged', { error: nameOf(error), count: rows.length });
        return 'accepted';
      }
      try {
        const ids = rows.map(({ revocationId }) => revocationId);
        await within(ACKNOWLEDGEMENT_MILLISECONDS_MAX, revocations.markAcknowledged(ids));
      } catch (error) {
        // The hub has them: it reads the unmarked rows once more and marks them.
        log('error', 'revocation_not_marked', { error: nameOf(error), count: rows.length });
      }
      return 'acknowledged';
    },
  };
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'unknown';
}
