/**
 * The tables in D1 (SQLite). Every row belongs to a tenant (`nid`), which stands in every key and in
 * every query. Times are integers: `_ms` milliseconds, `_s` seconds, of the database's clock.
 */

import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';

export const apiKeys = sqliteTable(
  'api_keys',
  {
    nid: text().notNull(),
    keyId: text('key_id').notNull(),
    kind: text({ enum: ['issued', 'imported'] }).notNull(),
    name: text().notNull(),
    actorId: text('actor_id').notNull(),
    /** JSON array of strings. */
    scopes: text().notNull(),
    /** JSON object as the client sent it, or null. */
    metadata: text(),
    state: text({ enum: ['active', 'revoked'] }).notNull(),
    visibility: text({ enum: ['secret', 'public'] }).notNull(),
    /** SHA-256 of the key's random part, hexadecimal. Never the key. */
    secretHash: text('secret_hash').notNull(),
    createTimeMs: integer('create_time_ms').notNull(),
    updateTimeMs: integer('update_time_ms').notNull(),
    expireTimeMs: integer('expire_time_ms'),
    lastUsedTimeMs: integer('last_used_time_ms'),
    rateLimitQuota: text('rate_limit_quota'),
    rateLimitWindowS: integer('rate_limit_window_s'),
    /** JSON array of CIDR texts, or null for anywhere. */
    allowedCidrs: text('allowed_cidrs'),
    revocationReason: text('revocation_reason'),
    revocationDescription: text('revocation_description'),
    /** The revocation row that ended this key: lets one batch branch on its own outcome. */
    revocationId: text('revocation_id'),
  },
  (table) => [
    primaryKey({ columns: [table.nid, table.keyId] }),
    index('api_keys_by_actor').on(table.nid, table.kind, table.actorId, table.keyId),
  ],
);

/** Answers given under a client's `request_id`. */
export const idempotentRequests = sqliteTable(
  'idempotent_requests',
  {
    nid: text().notNull(),
    operation: text().notNull(),
    requestId: text('request_id').notNull(),
    requestHash: text('request_hash').notNull(),
    keyId: text('key_id').notNull(),
    createTimeMs: integer('create_time_ms').notNull(),
  },
  (table) => [primaryKey({ columns: [table.nid, table.operation, table.requestId] })],
);

/** Revocations: the truth, and the outbox of the publisher. */
export const revocations = sqliteTable(
  'revocations',
  {
    revocationId: text('revocation_id').primaryKey(),
    nid: text().notNull(),
    scope: text({
      enum: ['token', 'key', 'actor', 'tenant', 'signing_key', 'everything'],
    }).notNull(),
    /** 16 hexadecimal digits. */
    scopeId: text('scope_id').notNull(),
    boundS: integer('bound_s').notNull(),
    cause: text().notNull(),
    createdAtS: integer('created_at_s').notNull(),
    expiresAtS: integer('expires_at_s').notNull(),
    /** 0 until the publisher has it in its own durable storage. */
    acknowledged: integer().notNull().default(0),
  },
  (table) => [
    index('revocations_by_scope').on(table.nid, table.scopeId),
    index('revocations_outbox').on(table.acknowledged, table.createdAtS),
    index('revocations_by_expiry').on(table.expiresAtS),
  ],
);

/** Keys that sign derived tokens: pending → active → retiring → retired. */
export const signingKeys = sqliteTable(
  'signing_keys',
  {
    nid: text().notNull(),
    kid: text().notNull(),
    algorithm: text({ enum: ['EdDSA', 'ES256', 'RS256'] }).notNull(),
    state: text({ enum: ['pending', 'active', 'retiring', 'retired'] }).notNull(),
    /** Public JWK (JSON). */
    publicJwk: text('public_jwk').notNull(),
    /** base64url of the private JWK sealed under the key-encryption key, bound to nid and kid. */
    sealedPrivateJwk: text('sealed_private_jwk').notNull(),
    createdAtS: integer('created_at_s').notNull(),
    /** When a head with this key was first acknowledged by KV. */
    publishedAtS: integer('published_at_s'),
    activatedAtS: integer('activated_at_s'),
    retiredAtS: integer('retired_at_s'),
  },
  (table) => [primaryKey({ columns: [table.nid, table.kid] })],
);

/** Random secrets that outlive the master secret, sealed under the key-encryption key. */
export const storedSecrets = sqliteTable('stored_secrets', {
  name: text().primaryKey(),
  sealed: text().notNull(),
  createdAtS: integer('created_at_s').notNull(),
});
