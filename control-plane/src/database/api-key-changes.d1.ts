/**
 * Changes of API keys in D1. The first statement of a batch changes the key and marks it with the
 * event of this change; every later one happens only if that mark is there.
 */

import { unixMilliseconds } from '@cardea/shared/time';
import { and, eq, isNull, type SQL, sql } from 'drizzle-orm';
import type { DrizzleD1Database } from 'drizzle-orm/d1';
import type {
  DeleteOutcome,
  Idempotency,
  KeyChanges,
  KeyDeletion,
  KeyReplacement,
  KeyRevocation,
  KeyUpdate,
  ReplaceOutcome,
  RevokeOnceOutcome,
  RevokeOutcome,
  UpdateOutcome,
} from '../api-keys/store.ts';
import type { NewAuditEvent } from '../audit/audit-event.ts';
import { REVOKED_KEY_KEPT_SECONDS } from '../limits.ts';
import { answered } from './answered.ts';
import {
  isKey,
  isUnexpired,
  isUnrevoked,
  placesLeft,
  wasChangedBy,
} from './api-key-conditions.d1.ts';
import { newRowExpressions } from './api-key-row.d1.ts';
import { newRow, toApiKey } from './api-key-row.ts';
import { auditInsert } from './audit-rows.d1.ts';
import { NOW_MS } from './clock.d1.ts';
import { outcomeOfClaim } from './revocation-claim.ts';
import { isUnclaimed, readRevocationClaim, revocationClaim } from './revocation-claims.d1.ts';
import { toRevocation } from './revocation-row.ts';
import { revocationInsert } from './revocation-rows.d1.ts';
import { apiKeys } from './schema.d1.ts';

/** What every change of a row leaves in it. */
function changeMarks(audit: NewAuditEvent) {
  return {
    updateTimeMs: NOW_MS,
    revision: sql`${apiKeys.revision} + 1`,
    changedBy: audit.eventId,
  };
}

export async function updateKey(db: DrizzleD1Database, update: KeyUpdate): Promise<UpdateOutcome> {
  const { audit, changes, keyId, revision, revocation, tenantId } = update;
  const changed = db
    .update(apiKeys)
    .set({ ...columnsOf(changes), ...changeMarks(audit) })
    .where(and(isKey(tenantId, keyId), eq(apiKeys.revision, revision)))
    .returning();
  const present = db.select({ keyId: apiKeys.keyId }).from(apiKeys).where(isKey(tenantId, keyId));
  const told = auditInsert(db, audit, wasChangedBy(audit));
  const statements = [changed, present, told] as const;
  const [[row], [found], , written = []] =
    revocation === undefined
      ? await answered(db.batch(statements))
      : await answered(
          db.batch([...statements, revocationInsert(db, revocation, wasChangedBy(audit))]),
        );
  if (row === undefined) {
    return { outcome: found === undefined ? 'not_found' : 'changed_meanwhile' };
  }
  const [cutOff] = written;
  return {
    outcome: 'updated',
    key: toApiKey(row),
    now: unixMilliseconds(row.updateTimeMs),
    ...(cutOff === undefined ? {} : { revocation: toRevocation(cutOff) }),
  };
}

function columnsOf(changes: KeyChanges) {
  const { allowedCidrs, isDisabled, metadata, name, rateLimitPolicy, scopes } = changes;
  return {
    ...(name === undefined ? {} : { name }),
    ...(scopes === undefined ? {} : { scopes: JSON.stringify(scopes) }),
    ...(metadata === undefined ? {} : { metadata: jsonOrNull(metadata) }),
    ...(allowedCidrs === undefined ? {} : { allowedCidrs: jsonOrNull(allowedCidrs) }),
    ...(rateLimitPolicy === undefined
      ? {}
      : {
          rateLimitQuota: rateLimitPolicy?.quota ?? null,
          rateLimitWindowS: rateLimitPolicy?.windowSeconds ?? null,
        }),
    ...(isDisabled === undefined ? {} : { disableTimeMs: isDisabled ? NOW_MS : null }),
  };
}

function jsonOrNull(value: object | null): string | null {
  return value === null ? null : JSON.stringify(value);
}

/** `expire_time` of a key that ends then: its row is kept at least until that time. */
function keptUntil(endMs: SQL): SQL {
  return sql`max(coalesce(${apiKeys.expireTimeMs}, 0), ${endMs} + ${REVOKED_KEY_KEPT_SECONDS * 1000})`;
}

/** For a batch: ends the key if it has not ended and `guard` holds, tells of it, and looks at it. */
function keyEnd(db: DrizzleD1Database, request: KeyRevocation, guard?: SQL) {
  const { audit, description, keyId, reason, revocation, tenantId } = request;
  return [
    db
      .update(apiKeys)
      .set({
        ...{ state: 'revoked', revocationReason: reason, overlapEndMs: null },
        revocationDescription: description ?? null,
        revocationId: revocation.revocationId,
        expireTimeMs: keptUntil(NOW_MS),
        ...changeMarks(audit),
      })
      .where(and(isKey(tenantId, keyId), isUnrevoked, guard))
      .returning(),
    revocationInsert(db, revocation, wasChangedBy(audit)),
    db.select({ keyId: apiKeys.keyId }).from(apiKeys).where(isKey(tenantId, keyId)),
    auditInsert(db, audit, wasChangedBy(audit)),
  ] as const;
}

export async function revokeKey(
  db: DrizzleD1Database,
  request: KeyRevocation,
): Promise<RevokeOutcome> {
  const [[ended], [written], [present]] = await answered(db.batch(keyEnd(db, request)));
  if (ended !== undefined && written !== undefined) {
    return { outcome: 'revoked', key: toApiKey(ended), revocation: toRevocation(written) };
  }
  return { outcome: present === undefined ? 'not_found' : 'already_revoked' };
}

/** The request id is looked at before the key, and taken only if the key has ended by this. */
export async function revokeKeyOnce(
  db: DrizzleD1Database,
  request: KeyRevocation,
  idempotency: Idempotency,
): Promise<RevokeOnceOutcome> {
  const { audit, revocation, tenantId } = request;
  const claim = { tenantId, ...idempotency, revocationId: revocation.revocationId };
  const [[ended], [written], [present], , , [claimed]] = await answered(
    db.batch([
      ...keyEnd(db, request, isUnclaimed(claim)),
      revocationClaim(db, claim, wasChangedBy(audit)),
      readRevocationClaim(db, claim),
    ]),
  );
  if (ended !== undefined && written !== undefined) {
    return { outcome: 'revoked', key: toApiKey(ended), revocation: toRevocation(written) };
  }
  if (claimed !== undefined) return outcomeOfClaim(claimed, claim);
  return { outcome: present === undefined ? 'not_found' : 'already_revoked' };
}

/** The new key comes first, while the old one still has its expiry to pass on. */
export async function replaceKey(
  db: DrizzleD1Database,
  request: KeyReplacement,
): Promise<ReplaceOutcome> {
  const { audit, oldKeyId, oldRevision, replacement, revocation, tenantId } = request;
  const isReplaceable = and(
    ...[isKey(tenantId, oldKeyId), isUnrevoked, isUnexpired],
    ...[isNull(apiKeys.overlapEndMs), isNull(apiKeys.disableTimeMs)],
  );
  const isUnchanged = eq(apiKeys.revision, oldRevision);
  const row = JSON.stringify(newRow({ key: replacement, audit }));
  const columns = newRowExpressions(sql`item.value`, sql`${apiKeys.expireTimeMs}`);
  const wasReplaced = sql`EXISTS (SELECT 1 FROM ${apiKeys} AS replacement
    WHERE replacement.nid = ${tenantId} AND replacement.key_id = ${replacement.keyId}
      AND replacement.changed_by = ${audit.eventId})`;
  const [[key], [oldKey], [written], [present]] = await answered(
    db.batch([
      db
        .insert(apiKeys)
        .select(
          sql`SELECT ${columns} FROM ${apiKeys}, (SELECT ${row} AS value) AS item
            WHERE ${and(isReplaceable, isUnchanged, hasPlace(request))}`,
        )
        .returning(),
      db
        .update(apiKeys)
        .set({ ...endColumns(request), ...changeMarks(audit) })
        .where(and(isKey(tenantId, oldKeyId), wasReplaced))
        .returning(),
      revocationInsert(db, revocation, wasReplaced),
      db
        .select({ revision: apiKeys.revision, isActive: sql<number>`${isReplaceable}` })
        .from(apiKeys)
        .where(isKey(tenantId, oldKeyId)),
      auditInsert(db, audit, wasReplaced),
    ]),
  );
  if (key !== undefined && oldKey !== undefined && written !== undefined) {
    const keys = { key: toApiKey(key), oldKey: toApiKey(oldKey) };
    return { outcome: 'replaced', ...keys, revocation: toRevocation(written) };
  }
  if (present === undefined) return { outcome: 'not_found' };
  if (present.isActive !== 1) return { outcome: 'not_active' };
  return { outcome: present.revision === oldRevision ? 'quota_exceeded' : 'changed_meanwhile' };
}

/** Without an overlap there are as many keys as before. */
function hasPlace({ keysMax, overlapSeconds, tenantId }: KeyReplacement): SQL | undefined {
  if (keysMax === undefined || overlapSeconds === 0) return undefined;
  return sql`${placesLeft(tenantId, keysMax)} > 0`;
}

/** How the old key ends: now, or when the overlap is over. */
function endColumns({ overlapSeconds, revocation }: KeyReplacement) {
  const superseded = { revocationReason: 'superseded', revocationId: revocation.revocationId };
  if (overlapSeconds === 0) {
    return { ...superseded, state: 'revoked' as const, expireTimeMs: keptUntil(NOW_MS) };
  }
  const overlapEnd = sql`${NOW_MS} + ${overlapSeconds * 1000}`;
  return {
    ...superseded,
    overlapEndMs: sql`min(${overlapEnd}, coalesce(${apiKeys.expireTimeMs}, ${overlapEnd}))`,
    expireTimeMs: keptUntil(overlapEnd),
  };
}

/** The row goes last: until then it carries the mark by which the other statements know. */
export async function deleteKey(
  db: DrizzleD1Database,
  { audit, keyId, revocation, tenantId }: KeyDeletion,
): Promise<DeleteOutcome> {
  const isImported = and(isKey(tenantId, keyId), eq(apiKeys.kind, 'imported'));
  const [, [written]] = await answered(
    db.batch([
      db.update(apiKeys).set({ changedBy: audit.eventId }).where(isImported),
      revocationInsert(db, revocation, wasChangedBy(audit)),
      auditInsert(db, audit, wasChangedBy(audit)),
      db.delete(apiKeys).where(and(isImported, eq(apiKeys.changedBy, audit.eventId))),
    ]),
  );
  return written === undefined
    ? { outcome: 'not_found' }
    : { outcome: 'deleted', revocation: toRevocation(written) };
}
