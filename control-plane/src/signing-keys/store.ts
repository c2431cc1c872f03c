/**
 * The port to the signing keys. Each method is one guarded statement or one batch, so two writers
 * never disagree about which key is active. Times are the database's own. Throws `StoreUnavailable`.
 */

import type { NewAuditEvent } from '../audit/audit-event.ts';
import type { NewSigningKey, SigningKey } from './signing-key.ts';

export interface KeyDurations {
  /** How long a key must have been published before it signs (`publicationBoundSeconds`). */
  readonly boundSeconds: number;
  /** How long a key that was succeeded stays: until its last token is over, and edges know its end. */
  readonly retiringSeconds: number;
}

export interface SealedSigningKey {
  readonly tenantId: string;
  readonly kid: string;
  readonly sealedPrivateJwk: string;
}

export interface Resealing {
  readonly tenantId: string;
  readonly kid: string;
  readonly oldSealed: string;
  readonly newSealed: string;
}

export interface SigningKeyStore {
  /** All keys of the tenant, retired ones too, oldest first. */
  list(tenantId: string): Promise<readonly SigningKey[]>;
  /** All keys of every tenant, oldest first: one read for the publisher, however many tenants. */
  listAll(): Promise<readonly SigningKey[]>;
  /** At most one key of a tenant is pending at a time. */
  insertPending(key: NewSigningKey, audit: NewAuditEvent): Promise<'inserted' | 'pending_exists'>;
  /** Inserts the tenant's very first key; does nothing if it has ever had one. */
  insertFirst(key: NewSigningKey): Promise<'inserted' | 'not_first'>;
  /** Notes that a head with these keys has been written, for those of which it was not known. */
  markPublished(tenantId: string, kids: readonly string[]): Promise<void>;
  /** Makes a due pending key active and the active one retiring, together or not at all. */
  promote(tenantId: string, durations: KeyDurations): Promise<'promoted' | 'not_due'>;
  /** The sealed private halves of every tenant's keys that are not retired. */
  listSealed(): Promise<readonly SealedSigningKey[]>;
  /** Replaces the sealed private half by the same under another key, unless it has changed since. */
  reseal(reseal: Resealing): Promise<void>;
  /** Retires keys whose time is over, and erases their private halves. */
  retireDue(tenantId: string): Promise<void>;
  /**
   * For keys that are revoked for good: retires them at once, whatever their state, erases their private
   * halves, and inserts `replacement` as pending if that leaves the tenant none that signs or will sign.
   */
  replaceRevoked(kids: readonly string[], replacement: NewSigningKey): Promise<void>;
}
