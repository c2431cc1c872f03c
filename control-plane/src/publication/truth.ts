/** Where the publisher learns what to publish: the database, through its ports. */

import type { SealKeys } from '../macaroons/sealed-keys.ts';
import type { RevocationStore } from '../revocations/store.ts';
import type { KeyBinding } from '../signing-keys/published-keys.ts';
import type { NewSigningKey } from '../signing-keys/signing-key.ts';
import type { KeyDurations, SigningKeyStore } from '../signing-keys/store.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type { RestorationMeans } from './restoration.ts';

export interface Truth {
  readonly revocations: RevocationStore;
  readonly signingKeys: SigningKeyStore;
  /** A fresh key pair of the default algorithm, sealed. */
  readonly generateSigningKey: (tenantId: string) => Promise<NewSigningKey>;
  /** The macaroon keys of the keyset, sealed for edges. */
  readonly sealKeys: SealKeys;
  /** Every tenant: the keyset has the keys of all. */
  readonly tenants: () => Promise<readonly Tenant[]>;
  readonly binding: Omit<KeyBinding, 'issuer' | 'audience'>;
  readonly durations: KeyDurations & {
    /** How long a token may be accepted after it was issued: its longest life and the skew. */
    readonly tokenLivesSeconds: number;
  };
  /**
   * Seals what the audit log has new, and answers the newest seal for the head (`auditSeal`). `known`
   * is the one answered last, from the publisher's own storage: the sequence goes on from there, so
   * that an end cut off in the database stays visible. Throws `StoreUnavailable`.
   */
  readonly sealAudit: (known: string | undefined) => Promise<string | undefined>;
  /** Writes back what a restored database has forgotten. */
  readonly restoration: RestorationMeans;
}
