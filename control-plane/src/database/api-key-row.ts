/**
 * Between rows of `api_keys`, of either dialect, and API keys. JSON columns are our own: only the
 * stores write them.
 */

import { unixMilliseconds } from '@cardea/shared/time';
import type { ApiKey, RateLimitPolicy, RevocationReason } from '../api-keys/api-key.ts';
import type { KeyInsertion } from '../api-keys/store.ts';
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

/** The column values of a new key that are its own, by column name: one JSON parameter holds them. */
export interface NewRow {
  readonly nid: string;
  readonly key_id: string;
  readonly kind: ApiKey['kind'];
  readonly name: string;
  readonly actor_id: string;
  readonly scopes: string;
  readonly metadata: string | null;
  readonly visibility: ApiKey['visibility'];
  readonly secret_hash: string;
  readonly ttl_ms: number | null;
  readonly rate_limit_quota: string | null;
  readonly rate_limit_window_s: number | null;
  readonly allowed_cidrs: string | null;
  readonly changed_by: string;
}

export function newRow({ key, audit }: Pick<KeyInsertion, 'key' | 'audit'>): NewRow {
  const { allowedCidrs, metadata, rateLimitPolicy, ttlSeconds } = key;
  return {
    nid: key.tenantId,
    key_id: key.keyId,
    kind: key.kind,
    name: key.name,
    actor_id: key.actorId,
    scopes: JSON.stringify(key.scopes),
    metadata: metadata === undefined ? null : JSON.stringify(metadata),
    visibility: key.visibility,
    secret_hash: key.secretHash,
    ttl_ms: ttlSeconds === undefined ? null : Math.trunc(ttlSeconds * 1000),
    rate_limit_quota: rateLimitPolicy?.quota ?? null,
    rate_limit_window_s: rateLimitPolicy?.windowSeconds ?? null,
    allowed_cidrs: allowedCidrs === undefined ? null : JSON.stringify(allowedCidrs),
    changed_by: audit.eventId,
  };
}
