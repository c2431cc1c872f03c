/** Where the publisher learns what to publish: the database, through its ports. */

import type { RevocationStore } from '../revocations/store.ts';
import type { KeyBinding } from '../signing-keys/published-keys.ts';
import type { NewSigningKey } from '../signing-keys/signing-key.ts';
import type { KeyDurations, SigningKeyStore } from '../signing-keys/store.ts';

export interface Truth {
  readonly revocations: RevocationStore;
  readonly signingKeys: SigningKeyStore;
  /** A fresh key pair of the default algorithm, sealed. */
  readonly generateSigningKey: (tenantId: string) => Promise<NewSigningKey>;
  readonly tenantIds: readonly string[];
  readonly binding: KeyBinding;
  readonly durations: KeyDurations;
}
