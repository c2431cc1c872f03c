/** Guarantee: on D1, dropping the tenant from any condition of any statement makes a test fail. */

import { env } from 'cloudflare:workers';
import { testIsolation } from '../../testing/isolation/isolation-contract.ts';
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

/** D1 with each statement put through `rewrite` on its way. */
function through(rewrite: (sql: string) => string): D1Database {
  return new Proxy(env.DB as D1Database, {
    get(target, property) {
      if (property === 'prepare') return (sql: string) => target.prepare(rewrite(sql));
      const value: unknown = Reflect.get(target, property);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

function storesOn(database: D1Database) {
  return {
    apiKeys: createApiKeyStore(database),
    revocations: createRevocationStore(database),
    revocationLedger: createRevocationLedger(database),
    signingKeys: createSigningKeyStore(database),
    secrets: createStoredSecretStore(database),
    minting: createMintingStore(database),
    status: createDatabaseStatus(database),
    tenants: createTenantStore(database),
    adminCredentials: createAdminCredentialStore(database),
    audit: createAuditStore(database),
    edges: createEdgeStore(database),
    replacedKeys: createReplacedKeyStore(database),
    upkeep: createUpkeepStore(database),
  };
}

const database: D1Database = env.DB;

const world = {
  storesThrough: (rewrite: (sql: string) => string) => storesOn(through(rewrite)),
  run: async (sql: string) => (await database.prepare(sql).all()).results,
  runEach: async (queries: readonly string[]) => {
    const answers = await database.batch(queries.map((sql) => database.prepare(sql)));
    return answers.map(({ results }) => results as Record<string, unknown>[]);
  },
};

testIsolation(() => world, {
  mutantsMin: 80,
  unasked: [],
  needless: [
    [
      /in \(select "key_id" from "idempotent_requests" where \(\["idempotent_requests"/,
      "an insertion looks through more keys than it needs, all of them its own tenant's",
    ],
    [
      /^select "revision", .* … .*\(\(\["api_keys"\."nid" = \?\] and/,
      'a rotation asks this about a row that it has chosen by its tenant',
    ],
    [
      /^update "admin_credentials" .*and \["admin_credentials"\."nid" = \?\]\) and EXISTS/,
      'the old credential ends only if its heir, with a random id, was made in this batch',
    ],
  ],
});
