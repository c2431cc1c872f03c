/** The stores on one PostgreSQL, and the secrets that open what they hold. Part of `node.ts`. */

import { type RandomBytes, randomBytes } from '@cardea/shared/crypto/random';
import { auditKeyReader, createEventRecorder } from '../audit/event-recorder.ts';
import { systemClock } from '../clock.ts';
import type { NodeConfig } from '../config.node.ts';
import type { PostgresDatabase } from '../database/postgres.ts';
import { createPostgresStores } from '../database/stores.pg.ts';
import { deriveMasterKeys, type MasterKeys } from '../master-keys.ts';
import { createTenantResolver } from '../tenants/tenant-resolver.ts';
import type { SecretMeans } from '../tokens/stored-secret.ts';
import { createRandomPool } from './random-pool.ts';
import { readInTurns } from './read-in-turns.ts';

export type NodeStores = Awaited<ReturnType<typeof createNodeStores>>;

export async function createNodeStores(config: NodeConfig, db: PostgresDatabase) {
  const stores = createPostgresStores(db, readInTurns);
  const keys: MasterKeys = await deriveMasterKeys(config);
  const { keyEncryption } = keys;
  const secrets: SecretMeans = { store: stores.secrets, keyEncryption, randomBytes };
  const auditKey = auditKeyReader(secrets);
  const random: RandomBytes = createRandomPool(randomBytes);
  return {
    ...{ stores, keys, secrets, auditKey },
    randomBytes: random,
    clock: systemClock,
    auditEvent: createEventRecorder({ auditKey, randomBytes }),
    tenants: createTenantResolver({ store: stores.tenants, config, clock: systemClock }),
  };
}
