/** Publishers as `createPublishing` makes them, several in one test process, on one PostgreSQL and one KV. */

import { type NodeConfig, parseNodeConfig } from '@cardea/control-plane/config.node';
import { connectPostgres, type PostgresConnection } from '@cardea/control-plane/database/postgres';
import { createPostgresStores } from '@cardea/control-plane/database/stores.pg';
import { createPublishing } from '@cardea/control-plane/node/publishing';
import { createNodeStores } from '@cardea/control-plane/node/stores';
import type { NodePublisher } from '@cardea/control-plane/publication/node-publisher';
import { FOR_GOOD } from '@cardea/shared/feed/entry';
import { importFeedKeys } from '@cardea/shared/feed/feed-key';
import { HEAD_OBJECT } from '@cardea/shared/feed/head';
import { verifyHead } from '@cardea/shared/feed/head-signature';
import { formatScopeId } from '@cardea/shared/feed/scope-id';
import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import { expect } from 'vitest';
import { insertion, newKey, revocationOf } from '../../control-plane/testing/contracts/fixtures.ts';
import { makeNodeSecrets } from '../e2e/harness/node-control-plane.ts';
import { openPostgres } from './databases.ts';
import { KvRestStandIn } from './kv-rest-stand-in.ts';

const SECRETS = makeNodeSecrets();

export interface Instance {
  readonly publisher: NodePublisher;
  readonly logged: string[];
  /** Of its own pool. */
  readonly connection: PostgresConnection;
  readonly close: () => Promise<void>;
}

export interface World {
  readonly kv: KvRestStandIn;
  readonly database: Awaited<ReturnType<typeof openPostgres>>;
  readonly instances: Instance[];
}

export async function openWorld(): Promise<World> {
  return { kv: await new KvRestStandIn().listen(), database: await openPostgres(), instances: [] };
}

export async function closeWorld({ kv, database, instances }: World): Promise<void> {
  await Promise.all(instances.map(({ close }) => close()));
  await database.close();
  await kv.close();
}

function configOf({ database, kv }: World): NodeConfig {
  return parseNodeConfig({
    ...SECRETS.env,
    ...{ DATABASE_URL: database.url, FEED_HARD_SECONDS: '60', FEED_HEARTBEAT_SECONDS: '1' },
    ...{ KV_API_URL: kv.url, KV_API_TOKEN: kv.token, KV_NAMESPACE_ID: KvRestStandIn.namespaceId },
  });
}

export async function startInstance(world: World): Promise<Instance> {
  const config = configOf(world);
  const connection = connectPostgres(world.database.url, { connectionsMax: 4 });
  const { db, sql, close } = connection;
  const logged: string[] = [];
  const log = (_level: string, event: string) => void logged.push(event);
  const means = await createNodeStores(config, db);
  const opened = { db, sql, close };
  const publisher = await createPublishing({ config, database: opened, means, log });
  publisher.start();
  let isClosed = false;
  const instance = {
    ...{ publisher, logged, connection },
    close: async () => {
      if (isClosed) return;
      isClosed = true;
      await publisher.stop();
      await close();
    },
  };
  world.instances.push(instance);
  return instance;
}

export const storesOf = (world: World) => createPostgresStores(world.database.db);

export async function issueKey(world: World) {
  const { apiKeys } = await storesOf(world);
  const key = newKey(DEFAULT_TENANT_ID);
  await apiKeys.insert(insertion(key));
  return key;
}

/** Revokes the key as the API would on any instance. */
export async function revokeKey(
  world: World,
  key: Awaited<ReturnType<typeof issueKey>>,
  { overlapSeconds = 0 } = {},
) {
  const { apiKeys } = await storesOf(world);
  const request = revocationOf(key);
  const delay = overlapSeconds === 0 ? {} : { effectiveAfterSeconds: overlapSeconds };
  const revoked = await apiKeys.revoke({
    ...request,
    revocation: { ...request.revocation, livesSeconds: 3600, ...delay },
  });
  if (revoked.outcome !== 'revoked') throw new Error(revoked.outcome);
  const { revocation } = revoked;
  return { revocation, scopeId: formatScopeId(revocation.entry.scopeId) };
}

export async function revokeSomeKey(world: World, options = {}) {
  return revokeKey(world, await issueKey(world), options);
}

export async function readHead(text: string) {
  const keys = await importFeedKeys([SECRETS.feedPublicKey]);
  if (!keys.ok) throw new Error('no feed key');
  const head = await verifyHead(text, keys.value);
  if (!head.ok) throw new Error(`refused: ${JSON.stringify(head.refusal)}`);
  const { tail } = head.value;
  const bounds = new Map(tail.map((entry) => [formatScopeId(entry.scopeId), entry.boundSeconds]));
  return { ...head.value, bounds };
}

export const headInKv = async ({ kv }: World) => readHead(kv.objects.get(HEAD_OBJECT)?.value ?? '');

export function headsOf({ kv }: World) {
  return Promise.all(kv.writesOf(HEAD_OBJECT).map(({ value }) => readHead(value)));
}

export async function untilPublished(world: World, scopeId: string, timeout = 8000) {
  const bound = async () =>
    world.kv.objects.has(HEAD_OBJECT) && (await headInKv(world)).bounds.get(scopeId);
  await expect.poll(bound, { timeout, interval: 50 }).toBe(FOR_GOOD);
}

/** Waits for so many heads more. */
export async function untilHeads({ kv }: World, count: number): Promise<void> {
  const { length } = kv.writesOf(HEAD_OBJECT);
  const written = () => kv.writesOf(HEAD_OBJECT).length;
  const patience = { timeout: 10_000, interval: 50 };
  await expect.poll(written, patience).toBeGreaterThanOrEqual(length + count);
}

export async function publishing({ instances }: World): Promise<Instance[]> {
  const statuses = await Promise.all(instances.map(({ publisher }) => publisher.status()));
  return instances.filter((_, index) => statuses[index]?.isPublishing);
}

/** Of all heads that KV was given: rising numbers, and never two within one second. */
export async function checkHeads(world: World): Promise<void> {
  const seqs = (await headsOf(world)).map(({ seq }) => seq);
  expect(seqs).toEqual([...new Set(seqs)].sort((one, other) => one - other));
  const writes = world.kv.writesOf(HEAD_OBJECT);
  const gaps = writes.slice(1).map(({ at }, index) => at - (writes[index]?.at ?? 0));
  expect(Math.min(Number.POSITIVE_INFINITY, ...gaps)).toBeGreaterThan(900);
}

/** Ends the session that holds the lock, as a failing server or network would. */
export async function cutLockOff({ database }: World): Promise<number> {
  const ended = await database.sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name = 'cardea-publisher' AND datname = current_database()
      AND pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')`;
  return ended.length;
}
