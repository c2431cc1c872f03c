/** Every store on one PostgreSQL, and the secrets that open what they hold. Part of `node.ts`. */

import { type RandomBytes, randomBytes } from '@cardea/shared/crypto/random';
import { auditKeyReader, createEventRecorder } from '../audit/event-recorder.ts';
import { systemClock } from '../clock.ts';
import type { NodeConfig } from '../config.node.ts';
import { createAdminCredentialStore } from '../database/admin-credential-store.pg.ts';
import { createApiKeyStore } from '../database/api-key-store.pg.ts';
import { createAuditStore } from '../database/audit-store.pg.ts';
import { createDatabaseStatus } from '../database/database-status.pg.ts';
import { createMintingStore } from '../database/minting-store.pg.ts';
import type { PostgresDatabase } from '../database/postgres.ts';
import { createRevocationStore } from '../database/revocation-store.pg.ts';
import { createSigningKeyStore } from '../database/signing-key-store.pg.ts';
import { createStoredSecretStore } from '../database/stored-secret-store.pg.ts';
import { createTenantStore } from '../database/tenant-store.pg.ts';
import { deriveMasterKeys, type MasterKeys } from '../master-keys.ts';
import { createTenantResolver } from '../tenants/tenant-resolver.ts';
import type { SecretMeans } from '../tokens/stored-secret.ts';
import { createRandomPool } from './random-pool.ts';

export type Stores = Awaited<ReturnType<typeof createStores>>;

export async function createStores(config: NodeConfig, db: PostgresDatabase) {
  const keys: MasterKeys = await deriveMasterKeys(config);
  const { keyEncryption } = keys;
  const secrets: SecretMeans = { store: createStoredSecretStore(db), keyEncryption, randomBytes };
  const auditKey = auditKeyReader(secrets);
  const tenantStore = createTenantStore(db);
  const random: RandomBytes = createRandomPool(randomBytes);
  return {
    ...{ keys, secrets, auditKey, tenantStore },
    randomBytes: random,
    clock: systemClock,
    auditEvent: createEventRecorder({ auditKey, randomBytes }),
    auditEvents: createAuditStore(db),
    apiKeys: createApiKeyStore(db),
    adminCredentials: createAdminCredentialStore(db),
    database: createDatabaseStatus(db),
    mintingStore: createMintingStore(db),
    revocations: createRevocationStore(db),
    signingKeys: createSigningKeyStore(db),
    tenants: createTenantResolver({ store: tenantStore, config, clock: systemClock }),
  };
}
