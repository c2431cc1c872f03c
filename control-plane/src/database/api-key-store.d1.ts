/**
 * API keys in D1. Every method is one statement or one batch; what a later statement of a batch does
 * depends on what an earlier one changed, because D1 has no interactive transactions.
 */

import { unixMilliseconds } from '@cardea/shared/time';
import { and, desc, eq, inArray, lt, sql } from 'drizzle-orm';
import { type DrizzleD1Database, drizzle } from 'drizzle-orm/d1';
import type { KeyUse } from '../api-keys/last-used.ts';
import type { ApiKeyStore, KeyQuery, StoredApiKey } from '../api-keys/store.ts';
import { answered } from './answered.ts';
import {
  deleteKey,
  replaceKey,
  revokeKey,
  revokeKeyOnce,
  updateKey,
} from './api-key-changes.d1.ts';
import { elementsOf, hasStatus, isKey } from './api-key-conditions.d1.ts';
import { insertKeys, KEY_AND_NOW, type KeyAndNow } from './api-key-inserts.d1.ts';
import { toApiKey } from './api-key-row.ts';
import { apiKeys } from './schema.d1.ts';

export function createApiKeyStore(database: D1Database): ApiKeyStore {
  const db = drizzle(database);
  return {
    async insert(insertion) {
      const [outcome] = await insertKeys(db, [insertion]);
      if (outcome === undefined) throw new TypeError('An insertion has no outcome.');
      return outcome;
    },

    insertMany: (insertions) => insertKeys(db, insertions),

    async find(tenantId, keyId) {
      const query = db.select(KEY_AND_NOW).from(apiKeys).where(isKey(tenantId, keyId));
      const [row] = await answered(query);
      return row === undefined ? undefined : toStored(row);
    },

    async findMany(tenantId, keyIds) {
      const isNamed = and(eq(apiKeys.nid, tenantId), inArray(apiKeys.keyId, elementsOf(keyIds)));
      const rows = await answered(db.select(KEY_AND_NOW).from(apiKeys).where(isNamed));
      return new Map(rows.map((row) => [row.keyId, toStored(row)]));
    },

    list: (query) => list(db, query),
    update: (update) => updateKey(db, update),
    revoke: (revocation) => revokeKey(db, revocation),
    revokeOnce: (revocation, idempotency) => revokeKeyOnce(db, revocation, idempotency),
    replace: (replacement) => replaceKey(db, replacement),
    delete: (deletion) => deleteKey(db, deletion),
    touch: (uses) => touch(db, uses),
  };
}

function toStored(row: KeyAndNow): StoredApiKey {
  return { key: toApiKey(row), secretHash: row.secretHash, now: unixMilliseconds(row.nowMs) };
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

/** Uses of one statement: far below the 2 MB of a parameter. */
const TOUCHES_MAX = 5000;

async function touch(db: DrizzleD1Database, uses: readonly KeyUse[]): Promise<void> {
  for (let start = 0; start < uses.length; start += TOUCHES_MAX) {
    const part = JSON.stringify(uses.slice(start, start + TOUCHES_MAX));
    await answered(
      db.run(sql`UPDATE ${apiKeys} SET last_used_time_ms = used.at_ms FROM (
          SELECT value ->> 'tenantId' AS nid, value ->> 'keyId' AS key_id,
            max(value ->> 'usedAt') AS at_ms
          FROM json_each(${part}) GROUP BY 1, 2) AS used
        WHERE ${apiKeys}.nid = used.nid AND ${apiKeys}.key_id = used.key_id
          AND coalesce(${apiKeys}.last_used_time_ms, 0) < used.at_ms`),
    );
  }
}
