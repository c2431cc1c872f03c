/**
 * API keys in D1. Every method is one statement or one batch; what a later statement of a batch does
 * depends on what an earlier one changed, because D1 has no interactive transactions.
 */

import { unixMilliseconds } from '@cardea/shared/time';
import {
  and,
  desc,
  eq,
  getTableColumns,
  gt,
  isNull,
  lt,
  lte,
  or,
  type SQL,
  sql,
} from 'drizzle-orm';
import { type DrizzleD1Database, drizzle } from 'drizzle-orm/d1';
import type {
  ApiKeyStore,
  Idempotency,
  InsertOutcome,
  KeyInsertion,
  KeyQuery,
  KeyReplacement,
  KeyRevocation,
  NewApiKey,
  ReplaceOutcome,
  RevokeOutcome,
} from '../api-keys/store.ts';
import type { NewAuditEvent } from '../audit/audit-event.ts';
import { REVOKED_KEY_KEPT_SECONDS } from '../limits.ts';
import { answered } from './answered.ts';
import { newRowSelection, toApiKey } from './api-key-row.d1.ts';
import { auditInsert } from './audit-rows.d1.ts';
import { NOW_MS } from './clock.d1.ts';
import { revocationInsert, toRevocation } from './revocation-rows.d1.ts';
import { apiKeys, idempotentRequests } from './schema.d1.ts';

const ISSUE = 'api_key.issue';

/** A row together with the time at which it was read. */
const KEY_AND_NOW = { ...getTableColumns(apiKeys), nowMs: NOW_MS.as('now_ms') };

export function createApiKeyStore(database: D1Database): ApiKeyStore {
  const db = drizzle(database);
  return {
    insert: (insertion) =>
      insertion.idempotency === undefined
        ? insert(db, insertion)
        : insertOnce(db, insertion, insertion.idempotency),

    async find(tenantId, keyId) {
      const query = db.select(KEY_AND_NOW).from(apiKeys).where(isKey(tenantId, keyId));
      const [row] = await answered(query);
      if (row === undefined) return undefined;
      return {
        key: toApiKey(row),
        secretHash: row.secretHash,
        now: unixMilliseconds(row.nowMs),
      };
    },

    list: (query) => list(db, query),
    revoke: (revocation) => revoke(db, revocation),
    replace: (replacement) => replace(db, replacement),
  };
}

function isKey(tenantId: string, keyId: string): SQL | undefined {
  return and(eq(apiKeys.nid, tenantId), eq(apiKeys.keyId, keyId));
}

function expiryOf(key: NewApiKey): SQL {
  return key.ttlSeconds === undefined
    ? sql`NULL`
    : sql`${NOW_MS} + CAST(${key.ttlSeconds} * 1000 AS INTEGER)`;
}

/** Holds once a key carries the mark of this change. */
function wasChangedBy(audit: NewAuditEvent): SQL {
  return sql`EXISTS (SELECT 1 FROM ${apiKeys}
    WHERE ${and(isKey(audit.tenantId, audit.targetId), eq(apiKeys.changedBy, audit.eventId))})`;
}

async function insert(db: DrizzleD1Database, insertion: KeyInsertion): Promise<InsertOutcome> {
  const { key, audit } = insertion;
  const selection = newRowSelection(insertion, expiryOf(key));
  const [[row]] = await answered(
    db.batch([
      db.insert(apiKeys).select(selection).returning(),
      auditInsert(db, audit, wasChangedBy(audit)),
    ]),
  );
  if (row === undefined) throw new TypeError('An unguarded insert returned no row.');
  return { outcome: 'inserted', key: toApiKey(row), now: unixMilliseconds(row.createTimeMs) };
}

/** The claim on the `request_id` comes first; the key follows only if this call made the claim. */
async function insertOnce(
  db: DrizzleD1Database,
  insertion: KeyInsertion,
  { requestId, requestHash }: Idempotency,
): Promise<InsertOutcome> {
  const { key, audit } = insertion;
  const nid = key.tenantId;
  const claim = db
    .insert(idempotentRequests)
    .values({
      ...{ nid, operation: ISSUE, requestId, requestHash, keyId: key.keyId },
      createTimeMs: NOW_MS,
    })
    .onConflictDoNothing();
  const isThisRequest = and(
    eq(idempotentRequests.nid, nid),
    eq(idempotentRequests.operation, ISSUE),
    eq(idempotentRequests.requestId, requestId),
  );
  const claimed = db
    .select({ keyId: idempotentRequests.keyId })
    .from(idempotentRequests)
    .where(isThisRequest);
  const made = db
    .insert(apiKeys)
    .select(sql`${newRowSelection(insertion, expiryOf(key))} WHERE ${key.keyId} = (${claimed})`);
  const first = db
    .select({ requestHash: idempotentRequests.requestHash })
    .from(idempotentRequests)
    .where(isThisRequest);
  const result = db
    .select(KEY_AND_NOW)
    .from(apiKeys)
    .where(and(eq(apiKeys.nid, nid), eq(apiKeys.keyId, sql`(${claimed})`)));
  const told = auditInsert(db, audit, wasChangedBy(audit));
  const [, , [request], [row]] = await answered(db.batch([claim, made, first, result, told]));
  if (request?.requestHash !== requestHash) return { outcome: 'request_id_reused' };
  if (row === undefined) throw new TypeError('A claimed request_id has no key.');
  const outcome = row.keyId === key.keyId ? 'inserted' : 'replayed';
  return { outcome, key: toApiKey(row), now: unixMilliseconds(row.nowMs) };
}

async function list(db: DrizzleD1Database, query: KeyQuery) {
  const rows = await answered(
    db
      .select(KEY_AND_NOW)
      .from(apiKeys)
      .where(
        and(
          eq(apiKeys.nid, query.tenantId),
          eq(apiKeys.kind, query.kind),
          query.actorId === undefined ? undefined : eq(apiKeys.actorId, query.actorId),
          query.afterKeyId === undefined ? undefined : lt(apiKeys.keyId, query.afterKeyId),
          hasStatus(query.status),
        ),
      )
      .orderBy(desc(apiKeys.keyId))
      .limit(query.pageSize + 1),
  );
  const page = rows.slice(0, query.pageSize);
  const last = rows.length > query.pageSize ? page.at(-1) : undefined;
  return {
    keys: page.map(toApiKey),
    // Without a row there is nothing to judge by the time.
    now: unixMilliseconds(rows[0]?.nowMs ?? 0),
    ...(last === undefined ? {} : { nextAfterKeyId: last.keyId }),
  };
}

const isUnexpired = or(isNull(apiKeys.expireTimeMs), gt(apiKeys.expireTimeMs, NOW_MS));

function hasStatus(status: KeyQuery['status']): SQL | undefined {
  switch (status) {
    case undefined:
      return undefined;
    case 'revoked':
      return eq(apiKeys.state, 'revoked');
    case 'active':
    case 'disabled':
      return and(eq(apiKeys.state, 'active'), isUnexpired);
    case 'expired':
      return and(eq(apiKeys.state, 'active'), lte(apiKeys.expireTimeMs, NOW_MS));
  }
}

const keptUntil = sql`max(
  coalesce(${apiKeys.expireTimeMs}, 0), ${NOW_MS} + ${REVOKED_KEY_KEPT_SECONDS * 1000})`;

/** For a batch: ends an active key; the row says by which revocation. */
function keyRevocation(
  db: DrizzleD1Database,
  ended: Omit<KeyRevocation, 'revocation' | 'audit'> & { readonly revocationId: string },
  guard?: SQL,
) {
  return db
    .update(apiKeys)
    .set({
      state: 'revoked',
      revocationReason: ended.reason,
      revocationDescription: ended.description ?? null,
      revocationId: ended.revocationId,
      updateTimeMs: NOW_MS,
      expireTimeMs: keptUntil,
    })
    .where(and(isKey(ended.tenantId, ended.keyId), eq(apiKeys.state, 'active'), guard))
    .returning();
}

/** Holds once the key has been ended by exactly this revocation. */
function wasEndedBy(tenantId: string, keyId: string, revocationId: string): SQL {
  return sql`EXISTS (SELECT 1 FROM ${apiKeys}
    WHERE ${and(isKey(tenantId, keyId), eq(apiKeys.revocationId, revocationId))})`;
}

async function revoke(db: DrizzleD1Database, request: KeyRevocation): Promise<RevokeOutcome> {
  const { tenantId, keyId, revocation, audit } = request;
  const { revocationId } = revocation;
  const [[ended], [written], [present]] = await answered(
    db.batch([
      keyRevocation(db, { ...request, revocationId }),
      revocationInsert(db, revocation, wasEndedBy(tenantId, keyId, revocationId)),
      db.select({ state: apiKeys.state }).from(apiKeys).where(isKey(tenantId, keyId)),
      auditInsert(db, audit, wasEndedBy(tenantId, keyId, revocationId)),
    ]),
  );
  if (ended !== undefined && written !== undefined) {
    return { outcome: 'revoked', key: toApiKey(ended), revocation: toRevocation(written) };
  }
  return { outcome: present === undefined ? 'not_found' : 'already_revoked' };
}

/** The new key comes first, while the old one still has its expiry to pass on. */
async function replace(db: DrizzleD1Database, request: KeyReplacement): Promise<ReplaceOutcome> {
  const { tenantId, oldKeyId, replacement, revocation, audit } = request;
  const { revocationId } = revocation;
  const isReplaceable = and(isKey(tenantId, oldKeyId), eq(apiKeys.state, 'active'), isUnexpired);
  const selection = newRowSelection({ key: replacement, audit }, sql`${apiKeys.expireTimeMs}`);
  const wasReplaced = sql`EXISTS (SELECT 1 FROM ${apiKeys} AS replacement
    WHERE replacement.nid = ${tenantId} AND replacement.key_id = ${replacement.keyId})`;
  const ended = { tenantId, keyId: oldKeyId, reason: 'superseded', revocationId } as const;
  const [[key], [oldKey], [written], [present]] = await answered(
    db.batch([
      db
        .insert(apiKeys)
        .select(sql`${selection} FROM ${apiKeys} WHERE ${isReplaceable}`)
        .returning(),
      keyRevocation(db, ended, wasReplaced),
      revocationInsert(db, revocation, wasEndedBy(tenantId, oldKeyId, revocationId)),
      db.select({ state: apiKeys.state }).from(apiKeys).where(isKey(tenantId, oldKeyId)),
      auditInsert(db, audit, wasReplaced),
    ]),
  );
  if (key !== undefined && oldKey !== undefined && written !== undefined) {
    return {
      outcome: 'replaced',
      key: toApiKey(key),
      oldKey: toApiKey(oldKey),
      revocation: toRevocation(written),
    };
  }
  return { outcome: present === undefined ? 'not_found' : 'not_active' };
}
