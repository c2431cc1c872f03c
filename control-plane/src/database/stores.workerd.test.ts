/** Guarantee: the stores on D1 keep the contracts of their ports. */

import { env } from 'cloudflare:workers';
import { testStores } from '../../testing/contracts/all-contracts.ts';
import type { Subject } from '../../testing/contracts/subject.ts';
import { createAdminCredentialStore } from './admin-credential-store.d1.ts';
import { createApiKeyStore } from './api-key-store.d1.ts';
import { createAuditStore } from './audit-store.d1.ts';
import { createDatabaseStatus } from './database-status.d1.ts';
import { createEdgeStore } from './edge-store.d1.ts';
import { createMintingStore } from './minting-store.d1.ts';
import { createReplacedKeyStore } from './replaced-key-store.d1.ts';
import { createRevocationLedger } from './revocation-ledger.d1.ts';
import { createRevocationStore } from './revocation-store.d1.ts';
import { createSigningKeyStore } from './signing-key-store.d1.ts';
import { createStoredSecretStore } from './stored-secret-store.d1.ts';
import { createTenantStore } from './tenant-store.d1.ts';
import { createUpkeepStore } from './upkeep-store.d1.ts';

const run: Subject['run'] = async (sql) => (await env.DB.prepare(sql).all()).results;

/** Neither SQLite's and D1's own nor the publisher's, which is no port of the contracts. */
const OURS = ['sqlite_%', '_cf_%', 'd1_%', 'publi%']
  .map((pattern) => `name NOT LIKE '${pattern}'`)
  .join(' AND ');

testStores(() => ({
  stores: {
    apiKeys: createApiKeyStore(env.DB),
    revocations: createRevocationStore(env.DB),
    revocationLedger: createRevocationLedger(env.DB),
    signingKeys: createSigningKeyStore(env.DB),
    secrets: createStoredSecretStore(env.DB),
    minting: createMintingStore(env.DB),
    status: createDatabaseStatus(env.DB),
    tenants: createTenantStore(env.DB),
    adminCredentials: createAdminCredentialStore(env.DB),
    audit: createAuditStore(env.DB),
    edges: createEdgeStore(env.DB),
    replacedKeys: createReplacedKeyStore(env.DB),
    upkeep: createUpkeepStore(env.DB),
  },
  run,
  columns: async () => {
    const tables = await run(`SELECT name FROM sqlite_master WHERE type = 'table' AND ${OURS}`);
    const columns: string[] = [];
    for (const { name: table } of tables) {
      const rows = await run(`SELECT name FROM pragma_table_info('${table}')`);
      columns.push(...rows.map(({ name }) => `${table}.${name}`));
    }
    return columns;
  },
}));
