/**
 * The port to the revocation rows, which are written by whatever causes them (`api-keys/store`).
 * Rows are the publisher's outbox until they are marked as acknowledged. Throws `StoreUnavailable`.
 */

import type { ScopeId } from '@cardea/shared/feed/scope-id';
import type { Revocation } from './revocation.ts';

export interface RevocationPage {
  readonly afterRevocationId: string;
  readonly count: number;
}

export interface RevocationStore {
  /** The highest live bound of any of the scopes, or `undefined`. Never cached. */
  highestBound(tenantId: string, scopeIds: readonly ScopeId[]): Promise<number | undefined>;
  /** Live rows of every tenant that the publisher may not have yet, oldest first. */
  unacknowledged(count: number): Promise<readonly Revocation[]>;
  /** Live rows of every tenant, acknowledged or not, by ascending id: for a publisher's recovery. */
  live(page: RevocationPage): Promise<readonly Revocation[]>;
  markAcknowledged(revocationIds: readonly string[]): Promise<void>;
}
