/**
 * The port to the revocation rows, which are written by whatever causes them (`api-keys/store`).
 * Rows are the publisher's outbox until they are marked as acknowledged. A row is live from its
 * effect to its expiry, by the database's clock. Throws `StoreUnavailable`.
 */

import type { ScopeId } from '@cardea/shared/feed/scope-id';
import type { UnixSeconds } from '@cardea/shared/time';
import type { Revocation } from './revocation.ts';

export interface RevocationPage {
  readonly afterRevocationId: string;
  readonly count: number;
}

export interface RevocationStore {
  /**
   * The highest live bound of any of the scopes, or `undefined`. Never cached. Rows of the scope
   * `everything` count for every tenant, whatever tenant they were written for.
   */
  highestBound(tenantId: string, scopeIds: readonly ScopeId[]): Promise<number | undefined>;
  /** Live rows of every tenant that the publisher may not have yet, oldest first. */
  unacknowledged(count: number): Promise<readonly Revocation[]>;
  /** Live rows of every tenant, acknowledged or not, by ascending id: for a publisher's recovery. */
  live(page: RevocationPage): Promise<readonly Revocation[]>;
  markAcknowledged(revocationIds: readonly string[]): Promise<void>;
  /**
   * Live rows, by their ids and oldest first, that no written head is known to contain;
   * `acknowledgedOnly` for a publisher that has only those.
   */
  unpublished(wanted: {
    readonly count: number;
    readonly acknowledgedOnly: boolean;
  }): Promise<readonly string[]>;
  /** A head of this number was written that contains them. The first such number stays. */
  markPublished(revocationIds: readonly string[], seq: number): Promise<void>;
  /** The next moment at which a waiting row takes effect, if there is one: when to look again. */
  nextEffectAt(): Promise<UnixSeconds | undefined>;
}
