/** What a contract suite runs on: the stores of one database, and the database behind them. */

import type { AdminCredentialStore } from '../../src/admin-credentials/store.ts';
import type { ApiKeyStore } from '../../src/api-keys/store.ts';
import type { AuditStore } from '../../src/audit/store.ts';
import type { DatabaseStatus } from '../../src/deps.ts';
import type { EdgeStore } from '../../src/edges/store.ts';
import type { ReplacedKeyStore } from '../../src/macaroons/replaced-keys.ts';
import type { RevocationLedger } from '../../src/revocations/ledger.ts';
import type { RevocationStore } from '../../src/revocations/store.ts';
import type { SigningKeyStore } from '../../src/signing-keys/store.ts';
import type { TenantStore } from '../../src/tenants/store.ts';
import type { MintingStore } from '../../src/tokens/minting-store.ts';
import type { StoredSecretStore } from '../../src/tokens/stored-secret.ts';
import type { UpkeepStore } from '../../src/upkeep/store.ts';

/** One member a port. */
export interface Stores {
  readonly apiKeys: ApiKeyStore;
  readonly revocations: RevocationStore;
  readonly revocationLedger: RevocationLedger;
  readonly signingKeys: SigningKeyStore;
  readonly secrets: StoredSecretStore;
  readonly minting: MintingStore;
  readonly status: DatabaseStatus;
  readonly tenants: TenantStore;
  readonly adminCredentials: AdminCredentialStore;
  readonly audit: AuditStore;
  readonly edges: EdgeStore;
  readonly replacedKeys: ReplacedKeyStore;
  readonly upkeep: UpkeepStore;
}

export interface Subject {
  readonly stores: Stores;
  /** Runs SQL that every dialect understands, to look at rows and to set the time back. */
  readonly run: (sql: string) => Promise<ReadonlyArray<Record<string, unknown>>>;
  /** Every column of every table of ours, as `table.column`. */
  readonly columns: () => Promise<readonly string[]>;
}

/** Names the methods that have been called, as `port.method`. */
export type Called = Set<string>;

/** The same stores; notes in `called` what is called. */
export function watching(stores: Stores, called: Called): Stores {
  const watched = Object.entries(stores).map(([port, store]) => [
    port,
    new Proxy(store, {
      get(target, method) {
        if (typeof method === 'string') called.add(`${port}.${method}`);
        return Reflect.get(target, method);
      },
    }),
  ]);
  return Object.fromEntries(watched);
}

/** `port.method` of every method of every port: stores are plain objects of exactly those. */
export function methodsOf(stores: Stores): readonly string[] {
  return Object.entries(stores).flatMap(([port, store]) =>
    Object.keys(store).map((method) => `${port}.${method}`),
  );
}

export async function countRows({ run }: Subject, table: string, where = '1 = 1'): Promise<number> {
  const [row] = await run(`SELECT count(*) AS n FROM ${table} WHERE ${where}`);
  return Number(row?.n);
}

/** How many rows each of the tables has that a change could leave a trace in. */
export async function countAll(subject: Subject): Promise<Record<string, number>> {
  const tables = [
    ...['api_keys', 'idempotent_requests', 'revocations', 'audit_events', 'tenants'],
    ...['tenant_hosts', 'admin_credentials', 'signing_keys', 'stored_secrets', 'edges'],
    'replaced_macaroon_keys',
  ];
  const counts = await Promise.all(tables.map((table) => countRows(subject, table)));
  return Object.fromEntries(tables.map((table, place) => [table, counts[place] ?? 0]));
}
