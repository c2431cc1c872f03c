/** Every store that the composition roots need, whatever database is behind them. */

import type { AdminCredentialStore } from '../admin-credentials/store.ts';
import type { ApiKeyStore } from '../api-keys/store.ts';
import type { AuditStore } from '../audit/store.ts';
import type { DatabaseStatus } from '../deps.ts';
import type { EdgeStore } from '../edges/store.ts';
import type { ReplacedKeyStore } from '../macaroons/replaced-keys.ts';
import type { RestorationStore } from '../publication/restoration.ts';
import type { RevocationLedger } from '../revocations/ledger.ts';
import type { RevocationStore } from '../revocations/store.ts';
import type { SigningKeyStore } from '../signing-keys/store.ts';
import type { TenantStore } from '../tenants/store.ts';
import type { MintingStore } from '../tokens/minting-store.ts';
import type { StoredSecretStore } from '../tokens/stored-secret.ts';
import type { UpkeepStore } from '../upkeep/store.ts';

/** One member a port. */
export interface Stores {
  readonly adminCredentials: AdminCredentialStore;
  readonly apiKeys: ApiKeyStore;
  readonly audit: AuditStore;
  readonly edges: EdgeStore;
  readonly minting: MintingStore;
  readonly replacedKeys: ReplacedKeyStore;
  readonly restorations: RestorationStore;
  readonly revocationLedger: RevocationLedger;
  readonly revocations: RevocationStore;
  readonly secrets: StoredSecretStore;
  readonly signingKeys: SigningKeyStore;
  readonly status: DatabaseStatus;
  readonly tenants: TenantStore;
  readonly upkeep: UpkeepStore;
}
