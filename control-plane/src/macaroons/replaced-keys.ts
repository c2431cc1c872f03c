/**
 * The port to the macaroon keys that were revoked for good and replaced by another one of their epoch.
 * The rows outlive the revocations: no such key is ever made again. Throws `StoreUnavailable`.
 */

import type { Epoch } from './epochs.ts';

export interface NewReplacedKey {
  readonly tenantId: string;
  readonly audience: string;
  readonly kid: string;
  readonly epoch: Epoch;
  /** Which key of its epoch it was, from 0. */
  readonly generation: number;
  /** From then on no key of the epoch is in use: the row may go. */
  readonly expiresAtSeconds: number;
}

export interface ReplacedKey extends NewReplacedKey {
  /** The database's clock. */
  readonly replacedAtSeconds: number;
}

export interface ReplacedKeyStore {
  list(tenantId: string): Promise<readonly ReplacedKey[]>;
  /** Of every tenant: one read for the publisher. */
  listAll(): Promise<readonly ReplacedKey[]>;
  /** Writes those that are not there yet. */
  insert(keys: readonly NewReplacedKey[]): Promise<void>;
}
