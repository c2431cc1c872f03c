/** Between rows of `api_keys` and API keys. JSON columns are our own: only this store writes them. */

import { unixMilliseconds } from '@cardea/shared/time';
import { type SQL, sql } from 'drizzle-orm';
import type { ApiKey, RateLimitPolicy, RevocationReason } from '../api-keys/api-key.ts';
import type { KeyInsertion } from '../api-keys/store.ts';
import { NOW_MS } from './clock.d1.ts';
import type { apiKeys } from './schema.d1.ts';

export type ApiKeyRow = typeof apiKeys.$inferSelect;

export function toApiKey(row: ApiKeyRow): ApiKey {
  const rateLimitPolicy = toRateLimitPolicy(row);
  return {
    tenantId: row.nid,
    keyId: row.keyId,
    kind: row.kind,
    name: row.name,
    actorId: row.actorId,
    scopes: parseTexts(row.scopes),
    ...(row.metadata === null ? {} : { metadata: parseMetadata(row.metadata) }),
    state: row.state,
    visibility: row.visibility,
    createTime: unixMilliseconds(row.createTimeMs),
    updateTime: unixMilliseconds(row.updateTimeMs),
    ...(row.expireTimeMs === null ? {} : { expireTime: unixMilliseconds(row.expireTimeMs) }),
    ...(row.lastUsedTimeMs === null ? {} : { lastUsedTime: unixMilliseconds(row.lastUsedTimeMs) }),
    ...(rateLimitPolicy === undefined ? {} : { rateLimitPolicy }),
    ...(row.allowedCidrs === null ? {} : { allowedCidrs: parseTexts(row.allowedCidrs) }),
    ...toRevocationMembers(row),
    ...(row.disableTimeMs === null ? {} : { disableTime: unixMilliseconds(row.disableTimeMs) }),
    ...(row.overlapEndMs === null ? {} : { overlapEndTime: unixMilliseconds(row.overlapEndMs) }),
    revision: row.revision,
  };
}

function toRateLimitPolicy(row: ApiKeyRow): RateLimitPolicy | undefined {
  if (row.rateLimitQuota === null || row.rateLimitWindowS === null) return undefined;
  return { quota: row.rateLimitQuota, windowSeconds: row.rateLimitWindowS };
}

function toRevocationMembers(row: ApiKeyRow) {
  const { revocationReason, revocationDescription } = row;
  return {
    ...(revocationReason === null
      ? {}
      : { revocationReason: revocationReason as RevocationReason }),
    ...(revocationDescription === null ? {} : { revocationDescription }),
  };
}

function parseTexts(json: string): readonly string[] {
  return JSON.parse(json);
}

function parseMetadata(json: string): Readonly<Record<string, unknown>> {
  return JSON.parse(json);
}

/**
 * `SELECT` of one new row: every column in the order of the schema, because drizzle names them so.
 * Where the row's expiry comes from, and the rest of the statement, is the caller's.
 */
export function newRowSelection(
  { key, audit }: Pick<KeyInsertion, 'key' | 'audit'>,
  expireTimeMs: SQL,
): SQL {
  const { rateLimitPolicy } = key;
  const metadata = key.metadata === undefined ? null : JSON.stringify(key.metadata);
  const allowedCidrs = key.allowedCidrs === undefined ? null : JSON.stringify(key.allowedCidrs);
  return sql`SELECT ${key.tenantId}, ${key.keyId}, ${key.kind}, ${key.name}, ${key.actorId},
    ${JSON.stringify(key.scopes)}, ${metadata}, 'active', ${key.visibility}, ${key.secretHash},
    ${NOW_MS}, ${NOW_MS}, ${expireTimeMs}, NULL,
    ${rateLimitPolicy?.quota ?? null}, ${rateLimitPolicy?.windowSeconds ?? null},
    ${allowedCidrs}, NULL, NULL, NULL, NULL, NULL, 1, ${audit.eventId}`;
}
