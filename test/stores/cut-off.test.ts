/**
 * Guarantee: no token is minted from a key as it was before a change, with an `iat` after the change's
 * cut-off (docs/feed.md, "Cut-offs and clocks"). A change is held open here between reading the clock
 * and its commit, for longer than the second that would give the token away.
 */

import { createApiKeyStore } from '@cardea/control-plane/database/api-key-store.pg';
import { createMintingStore } from '@cardea/control-plane/database/minting-store.pg';
import type { PostgresConnection } from '@cardea/control-plane/database/postgres';
import { createRevocationLedger } from '@cardea/control-plane/database/revocation-ledger.pg';
import { readInTurns } from '@cardea/control-plane/node/read-in-turns';
import { cutOffOfEverything } from '@cardea/control-plane/revocations/new-revocation';
import { EVERYTHING } from '@cardea/shared/feed/scope-id';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  auditOf,
  insertion,
  newId,
  newKey,
  updateOf,
} from '../../control-plane/testing/contracts/fixtures.ts';
import { openPostgres } from './databases.ts';

let postgres: PostgresConnection;
beforeAll(async () => {
  postgres = await openPostgres();
});
afterAll(() => postgres.close());

/** Changes the key, reads the clock, and stays in the transaction; `end` ends it. */
async function startChange(keyId: string) {
  const tx = await postgres.sql.reserve();
  await tx`BEGIN`;
  await tx`UPDATE api_keys SET scopes = '[]', revision = revision + 1 WHERE key_id = ${keyId}`;
  const [row] = await tx`SELECT floor(extract(epoch FROM clock_timestamp()))::float8 AS bound`;
  const end = async (how: 'COMMIT' | 'ROLLBACK') => {
    await tx.unsafe(how);
    tx.release();
  };
  return { bound: Number(row?.bound), end };
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

test.each(['COMMIT', 'ROLLBACK'] as const)('a mint waits for a change to %s', async (how) => {
  const key = newKey(newId());
  await createApiKeyStore(postgres.db).insert(insertion(key));
  const store = createMintingStore(postgres.db, readInTurns);
  const query = { tenantId: key.tenantId, keyId: key.keyId, scopeIds: [] };
  // The control: without a change it does not wait.
  expect((await store.read(query))?.key.scopes).toEqual(['s']);
  const change = await startChange(key.keyId);
  await pause(1100);
  let isRead = false;
  const reading = store.read(query).finally(() => {
    isRead = true;
  });
  await pause(200);
  expect(isRead).toBe(false);
  await change.end(how);
  const moment = await reading;
  const isAfterBound = Math.floor((moment?.now ?? 0) / 1000) > change.bound;
  expect(isAfterBound).toBe(true);
  expect(moment?.key.scopes).toEqual(how === 'COMMIT' ? [] : ['s']);
  // What the change left on the row, aborted or not, is cleaned away: later mints need no lock.
  await store.read(query);
  const [row] = await postgres.sql`SELECT xmax::text FROM api_keys WHERE key_id = ${key.keyId}`;
  expect(row?.xmax).toBe('0');
});

test('mints of a changing key do not keep each other out', async () => {
  const key = newKey(newId());
  const apiKeys = createApiKeyStore(postgres.db);
  await apiKeys.insert(insertion(key));
  const store = createMintingStore(postgres.db, readInTurns);
  const query = { tenantId: key.tenantId, keyId: key.keyId, scopeIds: [] };
  const change = await startChange(key.keyId);
  const mints = Promise.all(Array.from({ length: 12 }, () => store.read(query)));
  await pause(100);
  await change.end('COMMIT');
  expect((await mints).map((moment) => moment?.key.revision)).toEqual(Array(12).fill(2));
  expect(await apiKeys.update(updateOf(key, { revision: 2 }))).toMatchObject({
    outcome: 'updated',
  });
});

test('a cut-off covers whoever read before it was to be seen, however long its commit took', async () => {
  const key = newKey(newId());
  await createApiKeyStore(postgres.db).insert(insertion(key));
  const { tenantId, keyId } = key;
  const scopeIds = [EVERYTHING];
  const minting = createMintingStore(postgres.db, readInTurns);
  // Keeps the creation in its transaction, with the bound read and the row written.
  const blocker = await postgres.sql.reserve();
  await blocker`BEGIN`;
  await blocker`LOCK TABLE audit_events IN SHARE MODE`;
  const cause = { revocationId: newId(), tenantId, cause: 'test', livesSeconds: 100 };
  const revocation = cutOffOfEverything({ ...cause, bound: 'at_commit' });
  const audit = auditOf(tenantId, cause.revocationId, 'revocation.create');
  const creating = createRevocationLedger(postgres.db).create({
    ...{ tenantId, items: [{ revocation, audit }] },
  });
  await pause(1100);
  const unaware = await minting.read({ tenantId, keyId, scopeIds });
  expect(unaware?.bounds.size).toBe(0);
  await blocker`COMMIT`;
  blocker.release();
  const created = await creating;
  const [row] = created.outcome === 'created' ? created.revocations : [];
  const bound = row?.entry.boundSeconds ?? 0;
  // It was given an earlier one first.
  expect(bound).toBeGreaterThan(row?.createdAtSeconds ?? 0);
  expect(bound).toBeGreaterThanOrEqual(Math.floor((unaware?.now ?? 0) / 1000));
  expect(row?.expiresAtSeconds).toBe(bound + 100);
  const aware = await minting.read({ tenantId, keyId, scopeIds });
  expect([...(aware?.bounds.values() ?? [])]).toEqual([bound]);
});
