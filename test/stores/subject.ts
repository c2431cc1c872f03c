/** The stores on PostgreSQL, put together for the contract suites. */

import { createAdminCredentialStore } from '@cardea/control-plane/database/admin-credential-store.pg';
import { createApiKeyStore } from '@cardea/control-plane/database/api-key-store.pg';
import { createAuditStore } from '@cardea/control-plane/database/audit-store.pg';
import { createDatabaseStatus } from '@cardea/control-plane/database/database-status.pg';
import { createEdgeStore } from '@cardea/control-plane/database/edge-store.pg';
import { createMintingStore } from '@cardea/control-plane/database/minting-store.pg';
import type { PostgresDatabase } from '@cardea/control-plane/database/postgres';
import type { ReadTogether } from '@cardea/control-plane/database/read-together';
import { createReplacedKeyStore } from '@cardea/control-plane/database/replaced-key-store.pg';
import { createRevocationLedger } from '@cardea/control-plane/database/revocation-ledger.pg';
import { createRevocationStore } from '@cardea/control-plane/database/revocation-store.pg';
import { createSigningKeyStore } from '@cardea/control-plane/database/signing-key-store.pg';
import { createStoredSecretStore } from '@cardea/control-plane/database/stored-secret-store.pg';
import { createTenantStore } from '@cardea/control-plane/database/tenant-store.pg';
import { createUpkeepStore } from '@cardea/control-plane/database/upkeep-store.pg';
import { readInTurns } from '@cardea/control-plane/node/read-in-turns';
import type { Stores, Subject } from '../../control-plane/testing/contracts/subject.ts';

/** As on Node, unless it is said how hot reads become statements. */
export function storesOn(db: PostgresDatabase, readTogether: ReadTogether = readInTurns): Stores {
  return {
    apiKeys: createApiKeyStore(db, readTogether),
    revocations: createRevocationStore(db),
    revocationLedger: createRevocationLedger(db),
    signingKeys: createSigningKeyStore(db),
    secrets: createStoredSecretStore(db),
    minting: createMintingStore(db, readTogether),
    status: createDatabaseStatus(db),
    tenants: createTenantStore(db),
    adminCredentials: createAdminCredentialStore(db),
    audit: createAuditStore(db),
    edges: createEdgeStore(db),
    replacedKeys: createReplacedKeyStore(db),
    upkeep: createUpkeepStore(db),
  };
}

/** Counters, the record of migrations and the publisher's own: no port of the contracts. */
const OTHERS = `table_name IN ('rate_limits', 'attempts', 'cardea_migrations', 'edge_sightings')
  OR table_name LIKE 'publi%' OR table_name = 'feed_segments' OR column_name = 'segment_id'`;

/** `run` is the driver's own: not what is under test. */
export function subjectOn(
  db: PostgresDatabase,
  run: Subject['run'],
  readTogether?: ReadTogether,
): Subject {
  return {
    stores: storesOn(db, readTogether),
    run,
    columns: async () => {
      const rows = await run(`SELECT table_name || '.' || column_name AS name
        FROM information_schema.columns
        WHERE table_schema = 'public' AND NOT (${OTHERS})`);
      return rows.map(({ name }) => String(name));
    },
  };
}
