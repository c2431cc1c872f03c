/** Every store on D1. */

import { createAdminCredentialStore } from './admin-credential-store.d1.ts';
import { createApiKeyStore } from './api-key-store.d1.ts';
import { createAuditStore } from './audit-store.d1.ts';
import { createDatabaseStatus } from './database-status.d1.ts';
import { createEdgeStore } from './edge-store.d1.ts';
import { createMintingStore } from './minting-store.d1.ts';
import { createReplacedKeyStore } from './replaced-key-store.d1.ts';
import { createRestorationStore } from './restoration-store.d1.ts';
import { createRevocationLedger } from './revocation-ledger.d1.ts';
import { createRevocationStore } from './revocation-store.d1.ts';
import { createSigningKeyStore } from './signing-key-store.d1.ts';
import { createStoredSecretStore } from './stored-secret-store.d1.ts';
import type { Stores } from './stores.ts';
import { createTenantStore } from './tenant-store.d1.ts';
import { createUpkeepStore } from './upkeep-store.d1.ts';

export function createD1Stores(database: D1Database): Stores {
  return {
    adminCredentials: createAdminCredentialStore(database),
    apiKeys: createApiKeyStore(database),
    audit: createAuditStore(database),
    edges: createEdgeStore(database),
    minting: createMintingStore(database),
    replacedKeys: createReplacedKeyStore(database),
    restorations: createRestorationStore(database),
    revocationLedger: createRevocationLedger(database),
    revocations: createRevocationStore(database),
    secrets: createStoredSecretStore(database),
    signingKeys: createSigningKeyStore(database),
    status: createDatabaseStatus(database),
    tenants: createTenantStore(database),
    upkeep: createUpkeepStore(database),
  };
}
