/**
 * Inserts API keys into D1: one batch for as many keys as fit into one parameter. In a batch the keys
 * come first, then what depends on them: claims on request ids and audit events of keys that carry
 * this change's mark. So a request that is refused leaves nothing behind.
 */

import { unixMilliseconds } from '@cardea/shared/time';
import { and, eq, getTableColumns, inArray, or, type SQL, sql } from 'drizzle-orm';
import type { DrizzleD1Database } from 'drizzle-orm/d1';
import type { Idempotency, InsertOutcome, KeyInsertion } from '../api-keys/store.ts';
import { answered } from './answered.ts';
import { elementsOf, placesLeft } from './api-key-conditions.d1.ts';
import { newRowExpressions } from './api-key-row.d1.ts';
import { newRow, toApiKey } from './api-key-row.ts';
import { auditInsertEach } from './audit-rows.d1.ts';
import { NOW_MS } from './clock.d1.ts';
import { apiKeys, idempotentRequests } from './schema.d1.ts';

/** A row together with the time at which it was read. */
export const KEY_AND_NOW = { ...getTableColumns(apiKeys), nowMs: NOW_MS.as('now_ms') };

export type KeyAndNow = typeof apiKeys.$inferSelect & { readonly nowMs: number };

/** Characters of the keys of one batch: a parameter of D1 has at most 2 MB, three bytes a character. */
const BATCH_CHARACTERS_MAX = 600_000;

/** Every insertion is of the same tenant, with the same quota. */
export async function insertKeys(
  db: DrizzleD1Database,
  insertions: readonly KeyInsertion[],
): Promise<readonly InsertOutcome[]> {
  const outcomes: InsertOutcome[] = [];
  for (const batch of batchesOf(insertions)) outcomes.push(...(await insertBatch(db, batch)));
  return outcomes;
}

/** In order. Within a batch no key and no request comes twice: what is first is committed first. */
function batchesOf(insertions: readonly KeyInsertion[]): readonly (readonly KeyInsertion[])[] {
  const batches: KeyInsertion[][] = [];
  let seen = new Set<string>();
  let characters = 0;
  for (const insertion of insertions) {
    const { idempotency, key } = insertion;
    const names = [key.keyId, ...(idempotency === undefined ? [] : [idempotency.requestId])];
    const length = JSON.stringify(insertion).length;
    const last = batches.at(-1);
    const fits = characters + length <= BATCH_CHARACTERS_MAX;
    if (last !== undefined && fits && !names.some((name) => seen.has(name))) {
      last.push(insertion);
    } else {
      batches.push([insertion]);
      seen = new Set();
      characters = 0;
    }
    for (const name of names) seen.add(name);
    characters += length;
  }
  return batches;
}

async function insertBatch(
  db: DrizzleD1Database,
  insertions: readonly KeyInsertion[],
): Promise<readonly InsertOutcome[]> {
  const tenantId = insertions[0]?.key.tenantId ?? '';
  const claims = insertions.flatMap(claimOf);
  const isMade = (item: SQL) => sql`EXISTS (SELECT 1 FROM ${apiKeys} AS made
    WHERE made.nid = ${tenantId} AND made.key_id = ${item} ->> 'target_id'
      AND made.changed_by = ${item} ->> 'event_id')`;
  const events = insertions.map(({ audit }) => audit);
  const claimed = db.select().from(idempotentRequests).where(isOneOf(tenantId, claims));
  const ownIds = elementsOf(insertions.map(({ key }) => key.keyId));
  const claimedIds = db
    .select({ keyId: idempotentRequests.keyId })
    .from(idempotentRequests)
    .where(isOneOf(tenantId, claims));
  const isOfInterest = or(inArray(apiKeys.keyId, ownIds), inArray(apiKeys.keyId, claimedIds));
  const [, , , requests, rows] = await answered(
    db.batch([
      keysInsert(db, insertions),
      claimsInsert(db, claims),
      auditInsertEach(db, events, isMade),
      claimed,
      db
        .select(KEY_AND_NOW)
        .from(apiKeys)
        .where(and(eq(apiKeys.nid, tenantId), isOfInterest)),
    ]),
  );
  const found = {
    rows: new Map(rows.map((row) => [row.keyId, row])),
    requests: new Map(requests.map((request) => [request.requestId, request])),
  };
  return insertions.map((insertion) => outcomeOf(insertion, found));
}

/** Those whose key and whose request are new, as far as the quota goes. */
function keysInsert(db: DrizzleD1Database, insertions: readonly KeyInsertion[]) {
  const { key, keysMax } = insertions[0] ?? {};
  const rows = insertions.map((insertion) => ({
    ...newRow(insertion),
    operation: operationOf(insertion),
    request_id: insertion.idempotency?.requestId ?? null,
  }));
  const withinQuota =
    key === undefined || keysMax === undefined
      ? sql`TRUE`
      : sql`item.place <= ${placesLeft(key.tenantId, keysMax)}`;
  const columns = newRowExpressions(
    sql`item.value`,
    sql`${NOW_MS} + (item.value ->> 'ttl_ms')`, // NULL without a ttl.
  );
  return db.insert(apiKeys).select(sql`SELECT ${columns} FROM (
    SELECT e.value AS value, row_number() OVER (ORDER BY e.key) AS place
    FROM json_each(${JSON.stringify(rows)}) AS e
    WHERE NOT EXISTS (SELECT 1 FROM ${apiKeys} AS taken
        WHERE taken.nid = e.value ->> 'nid' AND taken.key_id = e.value ->> 'key_id')
      AND NOT EXISTS (SELECT 1 FROM ${idempotentRequests} AS answered
        WHERE answered.nid = e.value ->> 'nid' AND answered.operation = e.value ->> 'operation'
          AND answered.request_id = e.value ->> 'request_id')
  ) AS item WHERE ${withinQuota}`);
}

interface Claim extends Idempotency {
  readonly nid: string;
  readonly operation: string;
  readonly keyId: string;
  readonly eventId: string;
}

function claimOf(insertion: KeyInsertion): readonly Claim[] {
  const { audit, idempotency, key } = insertion;
  if (idempotency === undefined) return [];
  const { keyId, tenantId: nid } = key;
  return [
    { ...idempotency, nid, keyId, operation: operationOf(insertion), eventId: audit.eventId },
  ];
}

/** What a `request_id` is unique for. */
function operationOf({ key }: KeyInsertion): 'api_key.issue' | 'api_key.import' {
  return key.kind === 'issued' ? 'api_key.issue' : 'api_key.import';
}

/** Only of keys that were made in this batch. */
function claimsInsert(db: DrizzleD1Database, claims: readonly Claim[]) {
  // Every column in the order of the schema: drizzle names them so.
  return db.insert(idempotentRequests).select(
    sql`SELECT e.value ->> 'nid', e.value ->> 'operation', e.value ->> 'requestId',
        e.value ->> 'requestHash', e.value ->> 'keyId', ${NOW_MS}
      FROM json_each(${JSON.stringify(claims)}) AS e
      WHERE EXISTS (SELECT 1 FROM ${apiKeys} AS made
        WHERE made.nid = e.value ->> 'nid' AND made.key_id = e.value ->> 'keyId'
          AND made.changed_by = e.value ->> 'eventId')`,
  );
}

/** Whose request id is one of these. The keys of a batch are all of one kind. */
function isOneOf(tenantId: string, claims: readonly Claim[]): SQL | undefined {
  return and(
    eq(idempotentRequests.nid, tenantId),
    eq(idempotentRequests.operation, claims[0]?.operation ?? ''),
    inArray(idempotentRequests.requestId, elementsOf(claims.map(({ requestId }) => requestId))),
  );
}

interface Found {
  /** By key id: the keys of the insertions, and those that answered requests made. */
  readonly rows: ReadonlyMap<string, KeyAndNow>;
  /** By request id. */
  readonly requests: ReadonlyMap<string, typeof idempotentRequests.$inferSelect>;
}

function outcomeOf({ audit, idempotency, key }: KeyInsertion, found: Found): InsertOutcome {
  const row = found.rows.get(key.keyId);
  if (row?.changedBy === audit.eventId) return { outcome: 'inserted', ...answerOf(row) };
  const request = found.requests.get(idempotency?.requestId ?? '');
  if (request !== undefined) {
    const made = found.rows.get(request.keyId);
    return made === undefined || request.requestHash !== idempotency?.requestHash
      ? { outcome: 'request_id_reused' }
      : { outcome: 'replayed', ...answerOf(made) };
  }
  return { outcome: row === undefined ? 'quota_exceeded' : 'exists' };
}

function answerOf(row: KeyAndNow) {
  return { key: toApiKey(row), now: unixMilliseconds(row.nowMs) };
}
