/** The port through which rows that are over are removed. Throws `StoreUnavailable`. */

/**
 * When a row is over, by the database's clock. `revocations` and `replaced_macaroon_keys`: from their
 * expiry on.
 * `idempotent_requests`: from the moment they were written. `admin_credentials`: from their end.
 * `api_keys`: from `expire_time` on; for a revoked key, and one that was rotated with an overlap, that
 * time itself is when the row may go, so `overForSeconds` does not count there.
 */
export type Outlived =
  | 'revocations'
  | 'idempotent_requests'
  | 'api_keys'
  | 'replaced_macaroon_keys'
  | 'admin_credentials';

export interface Removal {
  readonly overForSeconds: number;
  readonly rowsMax: number;
}

export interface UpkeepStore {
  /** Removes rows of every tenant, at most so many, and answers how many. */
  removeOutlived(what: Outlived, removal: Removal): Promise<number>;
}
