/** Every store on PostgreSQL or PGlite. */

import { createAdminCredentialStore } from './admin-credential-store.pg.ts';
import { createApiKeyStore } from './api-key-store.pg.ts';
import { createAuditStore } from './audit-store.pg.ts';
import { createDatabaseStatus } from './database-status.pg.ts';
import { createEdgeStore } from './edge-store.pg.ts';
import { createMintingStore } from './minting-store.pg.ts';
import type { PostgresDatabase } from './postgres.ts';
import { type ReadTogether, readAlone } from './read-together.ts';
import { createReplacedKeyStore } from './replaced-key-store.pg.ts';
import { createRestorationStore } from './restoration-store.pg.ts';
import { createRevocationLedger } from './revocation-ledger.pg.ts';
import { createRevocationStore } from './revocation-store.pg.ts';
import { createSigningKeyStore } from './signing-key-store.pg.ts';
import { createStoredSecretStore } from './stored-secret-store.pg.ts';
import type { Stores } from './stores.ts';
import { createTenantStore } from './tenant-store.pg.ts';
import { createUpkeepStore } from './upkeep-store.pg.ts';

/** `readTogether`: how the hot path's reads become statements. */
export function createPostgresStores(
  db: PostgresDatabase,
  readTogether: ReadTogether = readAlone,
): Stores {
  return {
    adminCredentials: createAdminCredentialStore(db),
    apiKeys: createApiKeyStore(db, readTogether),
    audit: createAuditStore(db),
    edges: createEdgeStore(db),
    minting: createMintingStore(db, readTogether),
    replacedKeys: createReplacedKeyStore(db),
    restorations: createRestorationStore(db),
    revocationLedger: createRevocationLedger(db),
    revocations: createRevocationStore(db),
    secrets: createStoredSecretStore(db),
    signingKeys: createSigningKeyStore(db),
    status: createDatabaseStatus(db),
    tenants: createTenantStore(db),
    upkeep: createUpkeepStore(db),
  };
}
