/**
 * API keys in PostgreSQL. Reads are one statement; a change is one transaction that locks the key's row
 * before anything else, so that whoever mints sees it on its way (`minting-store.pg`).
 */

import { unixMilliseconds } from '@cardea/shared/time';
import { and, desc, eq, getTableColumns, lt, type SQL, sql } from 'drizzle-orm';
import { statusOf } from '../api-keys/status.ts';
import type {
  ApiKeyStore,
  DeleteOutcome,
  Idempotency,
  KeyChanges,
  KeyDeletion,
  KeyQuery,
  KeyReplacement,
  KeyRevocation,
  KeyUpdate,
  ReplaceOutcome,
  RevokeOnceOutcome,
  RevokeOutcome,
  StoredApiKey,
  UpdateOutcome,
} from '../api-keys/store.ts';
import { REVOKED_KEY_KEPT_SECONDS } from '../limits.ts';
import { answered, inTransaction, undo } from './answered.pg.ts';
import { hasStatus, isKey, isUnrevoked, placesLeft } from './api-key-conditions.pg.ts';
import { insertKey, insertKeys, insertRows } from './api-key-insertion.pg.ts';
import { keyRowsJson, listOf, parseKeyRows } from './api-key-row.pg.ts';
import { type ApiKeyRow, toApiKey } from './api-key-row.ts';
import { insertAuditEvents } from './audit-rows.pg.ts';
import { NOW_MS } from './clock.pg.ts';
import type { PostgresDatabase } from './postgres.ts';
import { type ReadTogether, readAlone } from './read-together.ts';
import { claimRevocation } from './revocation-claims.pg.ts';
import { insertRevocation } from './revocation-rows.pg.ts';
import { apiKeys } from './schema.pg.ts';

/** A row together with the time at which it was read. */
const KEY_AND_NOW = { ...getTableColumns(apiKeys), nowMs: NOW_MS.as('now_ms') };

export function createApiKeyStore(
  db: PostgresDatabase,
  readTogether: ReadTogether = readAlone,
): ApiKeyStore {
  // Prepared once: every verification reads a key.
  const asked = { tenantId: sql.placeholder('tenantId'), keyIds: sql.placeholder('keyIds') };
  const keysQuery = db
    .select({ json: keyRowsJson(asked).as('keys_json'), nowMs: NOW_MS.as('now_ms') })
    .from(sql`(VALUES (1)) AS moment`)
    .prepare('cardea_api_keys_by_id');
  const findMany = async (tenantId: string, keyIds: readonly string[]) => {
    const [row] = await answered(keysQuery.execute({ tenantId, keyIds: listOf(keyIds) }));
    if (row === undefined) throw new TypeError('A select of one row returned none.');
    const { nowMs } = row;
    const rows = parseKeyRows(row.json);
    return new Map([...rows].map(([keyId, key]) => [keyId, toStored({ ...key, nowMs })]));
  };
  const find = readTogether(
    async (tenantId, queries: ReadonlyArray<{ tenantId: string; keyId: string }>) => {
      const keyIds = queries.map(({ keyId }) => keyId);
      const found = await findMany(tenantId, keyIds);
      return keyIds.map((keyId) => found.get(keyId));
    },
  );
  return {
    insert: (insertion) => insertKey(db, insertion),
    insertMany: (insertions) => insertKeys(db, insertions),

    find: (tenantId, keyId) => find({ tenantId, keyId }),
    findMany,
    list: (query) => list(db, query),
    update: (update) => inTransaction(db, (tx) => updateKey(tx, update)),
    revoke: (revocation) => inTransaction(db, (tx) => revoke(tx, revocation)),
    revokeOnce: (revocation, idempotency) =>
      inTransaction(db, (tx) => revokeOnce(tx, revocation, idempotency)),
    replace: (replacement) => inTransaction(db, (tx) => replace(tx, replacement)),
    delete: (deletion) => inTransaction(db, (tx) => deleteKey(tx, deletion)),

    async touch(uses) {
      const rows = uses.map(({ tenantId, keyId, usedAt }) => [tenantId, keyId, usedAt]);
      await inTransaction(db, (tx) =>
        tx.execute(sql`UPDATE ${apiKeys} SET last_used_time_ms = used.at_ms
          FROM (SELECT use ->> 0 AS nid, use ->> 1 AS key_id, max((use ->> 2)::bigint) AS at_ms
            FROM json_array_elements(${JSON.stringify(rows)}::json) AS use GROUP BY 1, 2) AS used
          WHERE ${apiKeys.nid} = used.nid AND ${apiKeys.keyId} = used.key_id
            AND coalesce(${apiKeys.lastUsedTimeMs}, 0) < used.at_ms`),
      );
    },
  };
}

function toStored(row: ApiKeyRow & { readonly nowMs: number }): StoredApiKey {
  return { key: toApiKey(row), secretHash: row.secretHash, now: unixMilliseconds(row.nowMs) };
}

async function list(db: PostgresDatabase, query: KeyQuery) {
  const { tenantId, kind, actorId, afterKeyId, status, pageSize } = query;
  const rows = await answered(
    db
      .select(KEY_AND_NOW)
      .from(apiKeys)
      .where(
        and(
          eq(apiKeys.nid, tenantId),
          eq(apiKeys.kind, kind),
          actorId === undefined ? undefined : eq(apiKeys.actorId, actorId),
          afterKeyId === undefined ? undefined : lt(apiKeys.keyId, afterKeyId),
          hasStatus(status),
        ),
      )
      .orderBy(desc(apiKeys.keyId))
      .limit(pageSize + 1),
  );
  const page = rows.slice(0, pageSize);
  const last = rows.length > pageSize ? page.at(-1) : undefined;
  return {
    keys: page.map(toApiKey),
    // Without a row there is nothing to judge by the time.
    now: unixMilliseconds(rows[0]?.nowMs ?? 0),
    ...(last === undefined ? {} : { nextAfterKeyId: last.keyId }),
  };
}

/** Whether the key exists at all, for the outcome of a change that found none to change. */
async function exists(tx: PostgresDatabase, tenantId: string, keyId: string): Promise<boolean> {
  const found = await tx
    .select({ keyId: apiKeys.keyId })
    .from(apiKeys)
    .where(isKey(tenantId, keyId));
  return found.length === 1;
}

async function updateKey(tx: PostgresDatabase, update: KeyUpdate): Promise<UpdateOutcome> {
  const { tenantId, keyId, audit } = update;
  const [row] = await tx
    .update(apiKeys)
    .set({ ...changedColumns(update.changes), ...changeMark(audit.eventId) })
    .where(and(isKey(tenantId, keyId), eq(apiKeys.revision, update.revision)))
    .returning(KEY_AND_NOW);
  if (row === undefined) {
    const isThere = await exists(tx, tenantId, keyId);
    return { outcome: isThere ? 'changed_meanwhile' : 'not_found' };
  }
  const revocation =
    update.revocation === undefined ? undefined : await insertRevocation(tx, update.revocation);
  await insertAuditEvents(tx, [audit]);
  return {
    outcome: 'updated',
    key: toApiKey(row),
    now: unixMilliseconds(row.nowMs),
    ...(revocation === undefined ? {} : { revocation }),
  };
}

/** Members that are `undefined` are not set by drizzle. */
function changedColumns(changes: KeyChanges) {
  const { name, scopes, metadata, rateLimitPolicy: policy, allowedCidrs, isDisabled } = changes;
  return {
    name,
    scopes: jsonOf(scopes),
    metadata: jsonOf(metadata),
    allowedCidrs: jsonOf(allowedCidrs),
    ...(policy === undefined
      ? {}
      : { rateLimitQuota: policy?.quota ?? null, rateLimitWindowS: policy?.windowSeconds ?? null }),
    ...(isDisabled === undefined ? {} : { disableTimeMs: isDisabled ? NOW_MS : null }),
  };
}

function jsonOf<T>(value: T): T extends null ? null : T extends undefined ? undefined : string;
function jsonOf(value: unknown): string | null | undefined {
  return value === undefined || value === null ? value : JSON.stringify(value);
}

/** What every change of a key leaves on its row. */
function changeMark(eventId: string) {
  return {
    updateTimeMs: NOW_MS,
    revision: sql`${apiKeys.revision} + 1`,
    changedBy: eventId,
  };
}

/** How long the row is kept: at least so long after the end of the key. */
function keptUntil(endMs: SQL | number): SQL {
  return sql`greatest(${apiKeys.expireTimeMs},
    ${endMs}::bigint + ${REVOKED_KEY_KEPT_SECONDS * 1000}::bigint)`;
}

async function revoke(tx: PostgresDatabase, request: KeyRevocation): Promise<RevokeOutcome> {
  const { tenantId, keyId, audit } = request;
  const [row] = await tx
    .update(apiKeys)
    .set({
      state: 'revoked',
      revocationReason: request.reason,
      revocationDescription: request.description ?? null,
      revocationId: request.revocation.revocationId,
      expireTimeMs: keptUntil(NOW_MS),
      overlapEndMs: null,
      ...changeMark(audit.eventId),
    })
    .where(and(isKey(tenantId, keyId), isUnrevoked))
    .returning();
  if (row === undefined) {
    return { outcome: (await exists(tx, tenantId, keyId)) ? 'already_revoked' : 'not_found' };
  }
  const revocation = await insertRevocation(tx, request.revocation);
  await insertAuditEvents(tx, [audit]);
  return { outcome: 'revoked', key: toApiKey(row), revocation };
}

async function revokeOnce(
  tx: PostgresDatabase,
  request: KeyRevocation,
  idempotency: Idempotency,
): Promise<RevokeOnceOutcome> {
  const { revocationId, tenantId } = request.revocation;
  const claimed = await claimRevocation(tx, { ...idempotency, tenantId, revocationId });
  if (claimed !== undefined) return claimed;
  const revoked = await revoke(tx, request);
  // A request that is refused leaves its id unused.
  return revoked.outcome === 'revoked' ? revoked : undo(revoked);
}

async function replace(tx: PostgresDatabase, request: KeyReplacement): Promise<ReplaceOutcome> {
  const { tenantId, oldKeyId, replacement, overlapSeconds, keysMax, audit } = request;
  const isOld = isKey(tenantId, oldKeyId);
  const [old] = await tx.select(KEY_AND_NOW).from(apiKeys).where(isOld).for('update');
  if (old === undefined) return { outcome: 'not_found' };
  const isActive = statusOf(toApiKey(old), unixMilliseconds(old.nowMs)) === 'active';
  if (!isActive || old.overlapEndMs !== null) return { outcome: 'not_active' };
  if (old.revision !== request.oldRevision) return { outcome: 'changed_meanwhile' };
  const isCounted = overlapSeconds > 0 && keysMax !== undefined;
  if (isCounted && (await placesLeft(tx, tenantId, keysMax)) <= 0) {
    return { outcome: 'quota_exceeded' };
  }
  const endMs = Math.min(
    old.nowMs + overlapSeconds * 1000,
    old.expireTimeMs ?? Number.POSITIVE_INFINITY,
  );
  const [row] = await insertRows(tx, [{ key: replacement, audit }], old.expireTimeMs);
  const [ended] = await tx
    .update(apiKeys)
    .set({
      ...(overlapSeconds > 0 ? { overlapEndMs: endMs } : { state: 'revoked' as const }),
      revocationReason: 'superseded',
      revocationId: request.revocation.revocationId,
      expireTimeMs: keptUntil(endMs),
      ...changeMark(audit.eventId),
    })
    .where(isOld)
    .returning();
  if (row === undefined || ended === undefined)
    throw new TypeError('A locked key was not replaced.');
  const revocation = await insertRevocation(tx, request.revocation);
  await insertAuditEvents(tx, [audit]);
  return { outcome: 'replaced', key: toApiKey(row), oldKey: toApiKey(ended), revocation };
}

async function deleteKey(tx: PostgresDatabase, deletion: KeyDeletion): Promise<DeleteOutcome> {
  const { tenantId, keyId, audit } = deletion;
  const deleted = await tx
    .delete(apiKeys)
    .where(and(isKey(tenantId, keyId), eq(apiKeys.kind, 'imported')))
    .returning({ keyId: apiKeys.keyId });
  if (deleted.length === 0) return { outcome: 'not_found' };
  const revocation = await insertRevocation(tx, deletion.revocation);
  await insertAuditEvents(tx, [audit]);
  return { outcome: 'deleted', revocation };
}
