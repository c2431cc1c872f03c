/**
 * One page of a listing among a million keys, beside the same page among a thousand: first page, a page
 * in the middle, by actor, and by statuses that few keys have. On PostgreSQL, through the store.
 */

import { createApiKeyStore } from '@cardea/control-plane/database/api-key-store.pg';
import { readMigrations } from '@cardea/control-plane/database/migration-files.node';
import { migrateUp } from '@cardea/control-plane/database/migrations.pg';
import { connectPostgres, type PostgresConnection } from '@cardea/control-plane/database/postgres';
import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import { createDatabase, startPostgresServer } from '../stores/postgres-server.ts';
import { type BenchResult, compare, interleave } from './statistics.ts';

const MANY = 1_000_000;
const FEW = 1000;
const ACTORS = 100;
const PAGES_A_ROUND = 20;
const ROUNDS = 10;

const LISTINGS = {
  list_first_page: {},
  list_middle_page: { afterKeyId: '80000000-0000-4000-8000-000000000000' },
  list_by_actor: { actorId: 'actor 7' },
  list_revoked: { status: 'revoked' },
  list_disabled: { status: 'disabled' },
  list_expired: { status: 'expired' },
} as const;

export async function benchLists(): Promise<BenchResult[]> {
  const postgres = await startPostgresServer();
  const connections: PostgresConnection[] = [];
  try {
    const open = async (keys: number) => {
      const connection = connectPostgres(await createDatabase(postgres.url), {
        statementTimeoutMilliseconds: 120_000,
      });
      connections.push(connection);
      await migrateUp(connection.db, readMigrations());
      await fill(connection, keys);
      return createApiKeyStore(connection.db);
    };
    const stores = { many: await open(MANY), few: await open(FEW) };
    const results: BenchResult[] = [];
    for (const [name, listing] of Object.entries(LISTINGS)) {
      const query = {
        tenantId: DEFAULT_TENANT_ID,
        kind: 'issued',
        pageSize: 5,
        ...listing,
      } as const;
      const { many, few } = await interleave(['many', 'few'], {
        rounds: ROUNDS,
        measure: async (side) => {
          const startedAt = performance.now();
          for (let page = 0; page < PAGES_A_ROUND; page++) await stores[side].list(query);
          return ((performance.now() - startedAt) / PAGES_A_ROUND) * 1000;
        },
      });
      results.push(compare(`${name}_1m_vs_1k`, { ours: many, peer: few, unit: 'µs' }));
    }
    return results;
  } finally {
    for (const connection of connections) await connection.close();
    await postgres.dispose();
  }
}

/** Of a hundred keys one is revoked, one disabled and one expired; so few that a page of them is far to seek. */
async function fill({ sql }: PostgresConnection, keys: number): Promise<void> {
  await sql.unsafe(
    `INSERT INTO api_keys (nid, key_id, kind, name, actor_id, scopes, state, visibility, secret_hash,
       create_time_ms, update_time_ms, expire_time_ms, disable_time_ms)
     SELECT '${DEFAULT_TENANT_ID}', gen_random_uuid()::text, 'issued', 'bench', 'actor ' || i % ${ACTORS},
       '["notes:read"]', CASE WHEN i % 100 = 0 THEN 'revoked' ELSE 'active' END, 'secret',
       repeat('0', 64), 1767225600000, 1767225600000,
       CASE WHEN i % 100 = 2 THEN 1767225600001 ELSE 4102444800000 END,
       CASE WHEN i % 100 = 1 THEN 1767225600000 END
     FROM generate_series(1, ${keys}) AS i`,
  );
  await sql.unsafe('ANALYZE api_keys');
}
