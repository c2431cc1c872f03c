/** Inserts API keys in PostgreSQL: one, or a list of them, with their audit events. */

import { unixMilliseconds } from '@cardea/shared/time';
import { and, eq, getTableColumns, inArray, sql } from 'drizzle-orm';
import type { ApiKey } from '../api-keys/api-key.ts';
import type { Idempotency, InsertOutcome, KeyInsertion } from '../api-keys/store.ts';
import { inTransaction, undo } from './answered.pg.ts';
import { placesLeft } from './api-key-conditions.pg.ts';
import { type ApiKeyRow, newRow, toApiKey } from './api-key-row.ts';
import { insertAuditEvents } from './audit-rows.pg.ts';
import { CLOCK_READ_ONCE, NOW_MS } from './clock.pg.ts';
import type { PostgresDatabase } from './postgres.ts';
import { elementsOf } from './revocation-store.pg.ts';
import { apiKeys, idempotentRequests } from './schema.pg.ts';

export function insertKey(db: PostgresDatabase, insertion: KeyInsertion): Promise<InsertOutcome> {
  return inTransaction(db, (tx) => insertWhole(tx, insertion));
}

async function insertWhole(tx: PostgresDatabase, insertion: KeyInsertion): Promise<InsertOutcome> {
  const { key, audit, idempotency, keysMax } = insertion;
  if (idempotency !== undefined && !(await claim(tx, insertion, idempotency))) {
    return replay(tx, key, idempotency);
  }
  const hasPlace = keysMax === undefined || (await placesLeft(tx, key.tenantId, keysMax)) > 0;
  const [row] = await insertRows(tx, [{ key, audit }]);
  if (row === undefined) undo({ outcome: 'exists' });
  if (!hasPlace) undo({ outcome: 'quota_exceeded' });
  await insertAuditEvents(tx, [audit]);
  return inserted(row);
}

function inserted(row: ApiKeyRow): InsertOutcome {
  return { outcome: 'inserted', key: toApiKey(row), now: unixMilliseconds(row.createTimeMs) };
}

/** Takes the `request_id`, unless it is taken. Waits for whoever is taking it at this moment. */
async function claim(
  tx: PostgresDatabase,
  { key }: KeyInsertion,
  { requestId, requestHash }: Idempotency,
): Promise<boolean> {
  const claimed = await tx
    .insert(idempotentRequests)
    .values({
      nid: key.tenantId,
      operation: operationOf(key),
      requestId,
      requestHash,
      keyId: key.keyId,
      createTimeMs: NOW_MS,
    })
    .onConflictDoNothing()
    .returning({ keyId: idempotentRequests.keyId });
  return claimed.length === 1;
}

function operationOf({ kind }: Pick<ApiKey, 'kind'>): string {
  return kind === 'issued' ? 'api_key.issue' : 'api_key.import';
}

async function replay(
  tx: PostgresDatabase,
  key: KeyInsertion['key'],
  { requestId, requestHash }: Idempotency,
): Promise<InsertOutcome> {
  const isMadeByRequest = and(
    eq(apiKeys.nid, idempotentRequests.nid),
    eq(apiKeys.keyId, idempotentRequests.keyId),
  );
  const [row] = await tx
    .select({ ...getTableColumns(apiKeys), nowMs: NOW_MS.as('now_ms') })
    .from(idempotentRequests)
    .innerJoin(apiKeys, isMadeByRequest)
    .where(
      and(
        eq(idempotentRequests.nid, key.tenantId),
        eq(idempotentRequests.operation, operationOf(key)),
        eq(idempotentRequests.requestId, requestId),
        eq(idempotentRequests.requestHash, requestHash),
      ),
    );
  // For another request, or the key that it made is gone.
  if (row === undefined) return { outcome: 'request_id_reused' };
  return { outcome: 'replayed', key: toApiKey(row), now: unixMilliseconds(row.nowMs) };
}

/**
 * Inserts the keys and returns their rows; a key whose id is taken is left out. `expireTimeMs`: their
 * expiry, instead of the one that follows from their own `ttlSeconds`.
 */
export function insertRows(
  tx: PostgresDatabase,
  insertions: ReadonlyArray<Pick<KeyInsertion, 'key' | 'audit'>>,
  expireTimeMs?: number | null,
): Promise<ApiKeyRow[]> {
  const rows = JSON.stringify(insertions.map(newRow));
  const expiry = expireTimeMs === undefined ? sql`now_ms + ttl_ms` : sql`${expireTimeMs}::bigint`;
  // Every column in the order of the schema: drizzle names them so.
  return tx
    .insert(apiKeys)
    .select(
      sql`SELECT nid, key_id, kind, name, actor_id, scopes, metadata, 'active', visibility,
          secret_hash, now_ms, now_ms, ${expiry}, NULL::bigint, rate_limit_quota,
          rate_limit_window_s, allowed_cidrs, NULL::text, NULL::text, NULL::text, NULL::bigint,
          NULL::bigint, 1, changed_by
        FROM ${CLOCK_READ_ONCE}, json_to_recordset(${rows}::json) AS item(
          nid text, key_id text, kind text, name text, actor_id text, scopes text, metadata text,
          visibility text, secret_hash text, ttl_ms bigint, rate_limit_quota text,
          rate_limit_window_s bigint, allowed_cidrs text, changed_by text)`,
    )
    .onConflictDoNothing()
    .returning();
}

/** Those without a `request_id` in one transaction, the others one by one: each in its turn. */
export async function insertKeys(
  db: PostgresDatabase,
  insertions: readonly KeyInsertion[],
): Promise<readonly InsertOutcome[]> {
  const outcomes: InsertOutcome[] = [];
  let plain: KeyInsertion[] = [];
  const insertPlain = async () => {
    if (plain.length > 0) outcomes.push(...(await insertPlainKeys(db, plain)));
    plain = [];
  };
  for (const insertion of insertions) {
    if (insertion.idempotency === undefined) {
      plain.push(insertion);
    } else {
      await insertPlain();
      outcomes.push(await insertKey(db, insertion));
    }
  }
  await insertPlain();
  return outcomes;
}

/** In their order: a place that one takes, and an id, are gone for those after it. */
function insertPlainKeys(
  db: PostgresDatabase,
  insertions: readonly KeyInsertion[],
): Promise<readonly InsertOutcome[]> {
  const { tenantId } = insertions[0]?.key ?? { tenantId: '' };
  const keysMax = insertions[0]?.keysMax;
  return inTransaction(db, async (tx) => {
    let places =
      keysMax === undefined ? Number.POSITIVE_INFINITY : await placesLeft(tx, tenantId, keysMax);
    const taken = await takenIds(tx, tenantId, insertions);
    const chosen: KeyInsertion[] = [];
    const refusals = insertions.map((insertion): InsertOutcome | undefined => {
      if (taken.has(insertion.key.keyId)) return { outcome: 'exists' };
      if (places <= 0) return { outcome: 'quota_exceeded' };
      taken.add(insertion.key.keyId);
      places -= 1;
      chosen.push(insertion);
      return undefined;
    });
    const rows = new Map((await insertRows(tx, chosen)).map((row) => [row.keyId, row]));
    const made = chosen.filter(({ key }) => rows.has(key.keyId));
    await insertAuditEvents(
      tx,
      made.map(({ audit }) => audit),
    );
    return insertions.map(({ key }, place): InsertOutcome => {
      const row = rows.get(key.keyId);
      // Taken by somebody else since we looked.
      return refusals[place] ?? (row === undefined ? { outcome: 'exists' } : inserted(row));
    });
  });
}

async function takenIds(
  tx: PostgresDatabase,
  tenantId: string,
  insertions: readonly KeyInsertion[],
): Promise<Set<string>> {
  const keyIds = insertions.map(({ key }) => key.keyId);
  const rows = await tx
    .select({ keyId: apiKeys.keyId })
    .from(apiKeys)
    .where(and(eq(apiKeys.nid, tenantId), inArray(apiKeys.keyId, elementsOf(keyIds))));
  return new Set(rows.map(({ keyId }) => keyId));
}
