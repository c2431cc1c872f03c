/**
 * The port that minting reads through: everything that decides about a new token, as of one moment of
 * the database. Throws `StoreUnavailable`.
 */

import type { JwsAlgorithm } from '@cardea/shared/crypto/verification-key';
import type { ScopeId } from '@cardea/shared/feed/scope-id';
import type { UnixMilliseconds } from '@cardea/shared/time';
import type { ApiKey } from '../api-keys/api-key.ts';

export interface ActiveSigningKey {
  readonly tenantId: string;
  readonly kid: string;
  readonly algorithm: JwsAlgorithm;
  readonly sealedPrivateJwk: string;
}

export interface MintingMoment {
  readonly key: ApiKey;
  /** As in `StoredApiKey`: an exchange proves the key by this same read. */
  readonly secretHash: string;
  /** The database's clock, read in the same statement as the key: a token's `iat`. */
  readonly now: UnixMilliseconds;
  /** Absent until the first key has been published. */
  readonly signingKey?: ActiveSigningKey;
  /**
   * Live bounds by scope id (16 hexadecimal digits): of the scopes asked for, of all kids, and
   * perhaps of scopes that others asked for at the same moment.
   */
  readonly bounds: ReadonlyMap<string, number>;
}

export interface MintingQuery {
  readonly tenantId: string;
  readonly keyId: string;
  readonly scopeIds: readonly ScopeId[];
}

export interface MintingStore {
  /**
   * One transaction. The clock is read no later than the bounds: a revocation that is committed
   * before the clock is read is among them, one committed later has a bound at or after it.
   */
  read(query: MintingQuery): Promise<MintingMoment | undefined>;
}
