/**
 * Guarantee: a database that is stopped, slow or cut off in the middle is an outage, leaves nothing
 * half done, and is used again as soon as it is back; a bug of ours is no outage.
 */

import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { inTransaction } from '@cardea/control-plane/database/answered.pg';
import { readMigrations } from '@cardea/control-plane/database/migration-files.node';
import { migrateUp } from '@cardea/control-plane/database/migrations.pg';
import { openPglite } from '@cardea/control-plane/database/pglite';
import { connectPostgres, type PostgresConnection } from '@cardea/control-plane/database/postgres';
import { StoreUnavailable } from '@cardea/control-plane/store-unavailable';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  insertion,
  newId,
  newKey,
  replacementOf,
  revocationOf,
} from '../../control-plane/testing/contracts/fixtures.ts';
import { countAll } from '../../control-plane/testing/contracts/subject.ts';
import { createDatabase, type PostgresServer, startPostgresServer } from './postgres-server.ts';
import { storesOn, subjectOn } from './subject.ts';

let server: PostgresServer;
let url: string;
let postgres: PostgresConnection;
/** Looks at what happens, and gets in its way. */
let other: PostgresConnection;
beforeAll(async () => {
  server = await startPostgresServer();
  url = await createDatabase(server.url);
  postgres = connectPostgres(url, { applicationName: 'under-test' });
  other = connectPostgres(url, { statementTimeoutMilliseconds: 0 });
  await migrateUp(postgres.db, readMigrations());
});
afterAll(async () => {
  await postgres.close();
  await other.close();
  await server.dispose();
});

const subject = () => subjectOn(postgres.db, async (sql) => [...(await other.sql.unsafe(sql))]);

async function insertKey() {
  const key = newKey(newId());
  await storesOn(postgres.db).apiKeys.insert(insertion(key));
  return key;
}

const failureOf = (work: Promise<unknown>) =>
  work.then(
    (value) => ({ value }),
    (error: unknown) => error,
  );

/** Waits until a statement of the connection under test is kept waiting by a lock. */
async function untilBlocked(): Promise<number> {
  for (;;) {
    const [row] = await other.sql`SELECT pid FROM pg_stat_activity
      WHERE application_name = 'under-test' AND wait_event_type = 'Lock'`;
    if (row !== undefined) return Number(row.pid);
  }
}

/** Holds `lock` while `work` runs into it and its connection is cut. */
async function cutOff(lock: string, work: () => Promise<unknown>): Promise<unknown> {
  const holder = await other.sql.reserve();
  await holder`BEGIN`;
  await holder.unsafe(lock);
  const failure = failureOf(work());
  await other.sql`SELECT pg_terminate_backend(${await untilBlocked()})`;
  const result = await failure;
  await holder`ROLLBACK`;
  holder.release();
  return result;
}

describe('a connection that is cut', () => {
  test.each([
    ['at its first change', 'LOCK TABLE api_keys IN EXCLUSIVE MODE'],
    ['before its revocation', 'LOCK TABLE revocations IN EXCLUSIVE MODE'],
    ['before its event', 'LOCK TABLE audit_events IN EXCLUSIVE MODE'],
  ])('%s leaves nothing half done', async (_, lock) => {
    const { apiKeys } = storesOn(postgres.db);
    const key = await insertKey();
    const before = await countAll(subject());
    for (const work of [
      () => apiKeys.revoke(revocationOf(key)),
      () => apiKeys.replace(replacementOf(key)),
      () =>
        apiKeys.insert(
          insertion(newKey(newId()), {
            idempotency: { requestId: 'r', requestHash: 'h' },
            keysMax: 9,
          }),
        ),
    ]) {
      // An insertion writes no revocation: it has nothing to wait for there.
      if (lock.includes('revocations') && work.toString().includes('apiKeys.insert')) continue;
      expect(await cutOff(lock, work)).toBeInstanceOf(StoreUnavailable);
    }
    expect(await countAll(subject())).toEqual(before);
    expect((await apiKeys.find(key.tenantId, key.keyId))?.key.revision).toBe(1);
    expect(await apiKeys.revoke(revocationOf(key))).toMatchObject({ outcome: 'revoked' });
  });
});

test('a statement that takes too long is ended by the server, and is an outage', async () => {
  const slow = connectPostgres(url, { statementTimeoutMilliseconds: 200 });
  const key = await insertKey();
  const holder = await other.sql.reserve();
  await holder`BEGIN`;
  await holder`LOCK TABLE api_keys`;
  const { apiKeys } = storesOn(slow.db);
  expect(await failureOf(apiKeys.find(key.tenantId, key.keyId))).toBeInstanceOf(StoreUnavailable);
  expect(await failureOf(apiKeys.revoke(revocationOf(key)))).toBeInstanceOf(StoreUnavailable);
  await holder`ROLLBACK`;
  holder.release();
  expect((await apiKeys.find(key.tenantId, key.keyId))?.key.state).toBe('active');
  await slow.close();
});

test('a network that swallows everything is an outage before long', async () => {
  const sockets: Socket[] = [];
  const target = new URL(url);
  let isSwallowing = false;
  const proxy = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    sockets.push(client, upstream);
    for (const socket of [client, upstream]) socket.on('error', () => {});
    client.on('data', (bytes) => isSwallowing || upstream.write(bytes));
    upstream.on('data', (bytes) => isSwallowing || client.write(bytes));
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const address = proxy.address();
  const proxied = new URL(url);
  proxied.port = String(typeof address === 'object' ? address?.port : '');
  const swallowed = connectPostgres(proxied.href, { connectTimeoutSeconds: 1 });
  const { apiKeys } = storesOn(swallowed.db);
  const key = await insertKey();
  expect(await apiKeys.find(key.tenantId, key.keyId)).toBeDefined();
  isSwallowing = true;
  const start = Date.now();
  const calls = [apiKeys.find(key.tenantId, key.keyId), apiKeys.revoke(revocationOf(key))];
  for (const failure of await Promise.all(calls.map(failureOf))) {
    expect(failure).toBeInstanceOf(StoreUnavailable);
  }
  expect(Date.now() - start).toBeLessThan(15_000);
  for (const socket of sockets) socket.destroy();
  isSwallowing = false;
  // The pool connects anew: the first call may still meet a connection that broke just now.
  await failureOf(apiKeys.find(key.tenantId, key.keyId));
  expect((await apiKeys.find(key.tenantId, key.keyId))?.key.state).toBe('active');
  await swallowed.close();
  for (const socket of sockets) socket.destroy();
  proxy.close();
});

test('a server that is stopped is an outage, and is used again by itself when it is back', async () => {
  const { apiKeys, status } = storesOn(postgres.db);
  const key = await insertKey();
  await other.close();
  await server.stop();
  const calls = [
    apiKeys.find(key.tenantId, key.keyId),
    apiKeys.revoke(revocationOf(key)),
    status.check(),
  ];
  for (const failure of await Promise.all(calls.map(failureOf))) {
    expect(failure).toBeInstanceOf(StoreUnavailable);
  }
  await server.start();
  other = connectPostgres(url, { statementTimeoutMilliseconds: 0 });
  // A call may still meet a connection that broke a moment ago; nobody does anything about it.
  await expect.poll(() => failureOf(status.check()), { timeout: 5000 }).toEqual({});
  expect((await apiKeys.find(key.tenantId, key.keyId))?.key.state).toBe('active');
});

describe('what is no outage', () => {
  test.each(['PostgreSQL', 'PGlite'])(
    'a missing table, but for its readiness, on %s',
    async (name) => {
      const empty =
        name === 'PGlite' ? await openPglite() : connectPostgres(await createDatabase(server.url));
      const { apiKeys, status } = storesOn(empty.db);
      expect(await failureOf(apiKeys.find('t', 'k'))).not.toBeInstanceOf(StoreUnavailable);
      expect(await failureOf(apiKeys.revoke(revocationOf(newKey(newId()))))).not.toBeInstanceOf(
        StoreUnavailable,
      );
      expect(await failureOf(status.check())).toBeInstanceOf(StoreUnavailable);
      await empty.close();
      expect(await failureOf(apiKeys.find('t', 'k'))).toBeInstanceOf(StoreUnavailable);
    },
  );

  test('a revocation id that is taken; it changes nothing', async () => {
    const { apiKeys } = storesOn(postgres.db);
    const [one, two] = [await insertKey(), await insertKey()];
    const { revocation } = revocationOf(one);
    await apiKeys.revoke(revocationOf(one, { revocation }));
    const before = await countAll(subject());
    const failure = await failureOf(apiKeys.revoke(revocationOf(two, { revocation })));
    expect(failure).toBeInstanceOf(Error);
    expect(failure).not.toBeInstanceOf(StoreUnavailable);
    expect(await countAll(subject())).toEqual(before);
    expect((await apiKeys.find(two.tenantId, two.keyId))?.key.state).toBe('active');
  });
});

describe('a transaction that the server gives up for another one', () => {
  const GIVE_UP = `DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40P01'; END $$`;

  test.each([
    [4, 'done'],
    [5, 'outage'],
  ])('%i times ends as %s', async (failures, end) => {
    let runs = 0;
    const result = await failureOf(
      inTransaction(postgres.db, async (tx) => {
        runs += 1;
        await tx.execute(`INSERT INTO stored_secrets VALUES ('run ${failures} ${runs}', 's', 1)`);
        if (runs <= failures) await tx.execute(GIVE_UP);
        return 'done';
      }),
    );
    expect(runs).toBe(5);
    expect(result instanceof StoreUnavailable ? 'outage' : result).toEqual(
      end === 'done' ? { value: 'done' } : 'outage',
    );
    const kept =
      await other.sql`SELECT name FROM stored_secrets WHERE name LIKE ${`run ${failures} %`}`;
    expect(kept).toHaveLength(end === 'done' ? 1 : 0);
  });
});
