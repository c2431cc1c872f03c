/**
 * The tables in PostgreSQL and PGlite: those of `schema.d1.ts`, column by column, and the counters
 * that Durable Objects hold on Workers. Every row belongs to a tenant (`nid`), which stands in every
 * key and in every query. Times are integers: `_ms` milliseconds, `_s` seconds, of the database's clock.
 */

import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  customType,
  index,
  integer,
  pgTable,
  primaryKey,
  uniqueIndex,
} from 'drizzle-orm/pg-core';

/**
 * Text in byte order, as in SQLite: the same pages in the same order on every database, whatever the
 * server's locale. JSON is kept as text too: it comes back as it was sent, `__proto__` included.
 */
export const text = customType<{ data: string; driverData: string }>({
  dataType: () => 'text COLLATE "C"',
});

/** Milliseconds or seconds. Below 2^53 for the next 280,000 years. */
export function time(name: string) {
  return bigint(name, { mode: 'number' });
}

export const apiKeys = pgTable(
  'api_keys',
  {
    nid: text().notNull(),
    keyId: text('key_id').notNull(),
    kind: text().$type<'issued' | 'imported'>().notNull(),
    name: text().notNull(),
    actorId: text('actor_id').notNull(),
    /** JSON array of strings. */
    scopes: text().notNull(),
    /** JSON object as the client sent it, or null. */
    metadata: text(),
    state: text().$type<'active' | 'revoked'>().notNull(),
    visibility: text().$type<'secret' | 'public'>().notNull(),
    /** SHA-256 of the key's random part, hexadecimal. Never the key. */
    secretHash: text('secret_hash').notNull(),
    createTimeMs: time('create_time_ms').notNull(),
    updateTimeMs: time('update_time_ms').notNull(),
    expireTimeMs: time('expire_time_ms'),
    lastUsedTimeMs: time('last_used_time_ms'),
    rateLimitQuota: text('rate_limit_quota'),
    rateLimitWindowS: bigint('rate_limit_window_s', { mode: 'number' }),
    /** JSON array of CIDR texts, or null for anywhere. */
    allowedCidrs: text('allowed_cidrs'),
    revocationReason: text('revocation_reason'),
    revocationDescription: text('revocation_description'),
    /** The revocation row that ended this key: lets one batch branch on its own outcome. */
    revocationId: text('revocation_id'),
    disableTimeMs: time('disable_time_ms'),
    overlapEndMs: time('overlap_end_ms'),
    revision: integer().notNull().default(1),
    /** The audit event of the last change: lets one batch branch on its own outcome. */
    changedBy: text('changed_by'),
  },
  (table) => [
    primaryKey({ columns: [table.nid, table.keyId] }),
    index('api_keys_by_actor').on(table.nid, table.kind, table.actorId, table.keyId),
    index('api_keys_by_kind').on(table.nid, table.kind, table.keyId),
    // For listings by what few keys are: a page of them must not read a million others.
    index('api_keys_revoked')
      .on(table.nid, table.kind, table.keyId)
      .where(sql`${table.state} = 'revoked' OR ${table.overlapEndMs} IS NOT NULL`),
    index('api_keys_disabled')
      .on(table.nid, table.kind, table.keyId)
      .where(sql`${table.disableTimeMs} IS NOT NULL`),
    index('api_keys_by_expiry').on(table.expireTimeMs),
  ],
);

/** Answers given under a client's `request_id`. */
export const idempotentRequests = pgTable(
  'idempotent_requests',
  {
    nid: text().notNull(),
    operation: text().notNull(),
    requestId: text('request_id').notNull(),
    requestHash: text('request_hash').notNull(),
    keyId: text('key_id').notNull(),
    createTimeMs: time('create_time_ms').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.nid, table.operation, table.requestId] }),
    index('idempotent_requests_by_time').on(table.createTimeMs),
  ],
);

/** Revocations: the truth, and the outbox of the publisher. */
export const revocations = pgTable(
  'revocations',
  {
    revocationId: text('revocation_id').primaryKey(),
    nid: text().notNull(),
    scope: text()
      .$type<'token' | 'key' | 'actor' | 'tenant' | 'signing_key' | 'everything'>()
      .notNull(),
    /** 16 hexadecimal digits. */
    scopeId: text('scope_id').notNull(),
    boundS: time('bound_s').notNull(),
    cause: text().notNull(),
    createdAtS: time('created_at_s').notNull(),
    effectiveAtS: time('effective_at_s').notNull().default(0),
    expiresAtS: time('expires_at_s').notNull(),
    /** 0 until the publisher has it in its own durable storage. */
    acknowledged: integer().notNull().default(0),
    /** What was named: a `jti`, a key id, an actor, a tenant's id, a `kid`. Null in older rows. */
    subject: text(),
    /** In an administrator's words. */
    reason: text(),
    /** `seq` of the first written head that contains it. */
    publishedSeq: bigint('published_seq', { mode: 'number' }),
    /** The feed segment that it was put into (`feed_segments`); null while it is in the head. */
    segmentId: bigint('segment_id', { mode: 'number' }),
  },
  (table) => [
    index('revocations_listed').on(table.nid, table.createdAtS, table.revocationId),
    index('revocations_by_target').on(table.nid, table.scope, table.createdAtS, table.revocationId),
    index('revocations_unpublished').on(table.createdAtS).where(sql`published_seq IS NULL`),
    index('revocations_of_segment').on(table.segmentId, table.expiresAtS, table.scopeId),
    index('revocations_of_scope').on(table.scopeId, table.nid),
    index('revocations_outbox').on(table.acknowledged, table.createdAtS),
    index('revocations_by_expiry').on(table.expiresAtS),
    index('revocations_by_effect').on(table.effectiveAtS),
    index('revocations_of_everything').on(table.scope, table.scopeId),
  ],
);

/** Keys that sign derived tokens: pending → active → retiring → retired. */
export const signingKeys = pgTable(
  'signing_keys',
  {
    nid: text().notNull(),
    kid: text().notNull(),
    algorithm: text().$type<'EdDSA' | 'ES256' | 'RS256'>().notNull(),
    state: text().$type<'pending' | 'active' | 'retiring' | 'retired'>().notNull(),
    /** Public JWK (JSON). */
    publicJwk: text('public_jwk').notNull(),
    /** base64url of the private JWK sealed under the key-encryption key, bound to nid and kid. */
    sealedPrivateJwk: text('sealed_private_jwk').notNull(),
    createdAtS: time('created_at_s').notNull(),
    /** When a head with this key was first acknowledged by KV. */
    publishedAtS: time('published_at_s'),
    activatedAtS: time('activated_at_s'),
    retiredAtS: time('retired_at_s'),
  },
  (table) => [
    primaryKey({ columns: [table.nid, table.kid] }),
    // What the stores' statements see to, and D1's single writer: here two writers may meet.
    uniqueIndex('signing_keys_one_pending').on(table.nid).where(sql`state = 'pending'`),
    uniqueIndex('signing_keys_one_active').on(table.nid).where(sql`state = 'active'`),
  ],
);

/** Random secrets that outlive the master secret, sealed under the key-encryption key. */
export const storedSecrets = pgTable('stored_secrets', {
  name: text().primaryKey(),
  sealed: text().notNull(),
  createdAtS: time('created_at_s').notNull(),
});

/** Tenants but the default one, which has no row. */
export const tenants = pgTable('tenants', {
  nid: text().primaryKey(),
  name: text().notNull(),
  /** JSON object: `TenantSettings`. */
  settings: text().notNull(),
  createTimeMs: time('create_time_ms').notNull(),
  updateTimeMs: time('update_time_ms').notNull(),
  revision: integer().notNull().default(1),
  changedBy: text('changed_by'),
});

/** Host names, in normal form: each leads to one tenant. */
export const tenantHosts = pgTable(
  'tenant_hosts',
  { host: text().primaryKey(), nid: text().notNull() },
  (table) => [index('tenant_hosts_by_tenant').on(table.nid)],
);

export const adminCredentials = pgTable(
  'admin_credentials',
  {
    credentialId: text('credential_id').primaryKey(),
    /** Null: good for every tenant. */
    nid: text(),
    name: text().notNull(),
    role: text().$type<'owner' | 'operator' | 'issuer' | 'auditor'>().notNull(),
    /** SHA-256 of the credential's random part, hexadecimal. */
    secretHash: text('secret_hash').notNull(),
    createTimeMs: time('create_time_ms').notNull(),
    expireTimeMs: time('expire_time_ms'),
    revokeTimeMs: time('revoke_time_ms'),
    changedBy: text('changed_by'),
  },
  (table) => [index('admin_credentials_by_tenant').on(table.nid, table.credentialId)],
);

/** One row for each mutation, committed with it; sealed afterwards, in order, by the single writer. */
export const auditEvents = pgTable(
  'audit_events',
  {
    eventId: text('event_id').primaryKey(),
    nid: text().notNull(),
    timeMs: time('time_ms').notNull(),
    operation: text().notNull(),
    targetId: text('target_id').notNull(),
    callerKind: text('caller_kind')
      .$type<'bootstrap' | 'admin_credential' | 'admin_jwt' | 'key_holder' | 'system'>()
      .notNull(),
    callerId: text('caller_id').notNull(),
    callerRole: text('caller_role'),
    requestId: text('request_id').notNull(),
    clientAddress: text('client_address'),
    /** JSON object: `AuditChanges`. */
    changes: text().notNull(),
    mac: text().notNull(),
    /** From 1, without gaps; null until sealed. */
    position: bigint({ mode: 'number' }).unique(),
    seal: text(),
  },
  (table) => [
    index('audit_events_by_tenant').on(table.nid, table.timeMs, table.eventId),
    index('audit_events_by_time').on(table.timeMs, table.eventId),
    index('audit_events_by_target').on(table.nid, table.targetId, table.timeMs),
  ],
);

/**
 * Counters of requests (GCRA), one row a bucket; no second index, so that updates stay in place.
 * UNLOGGED (the migration says so): a crash of the server forgets them, and no request waits for the
 * disk.
 */
export const rateLimits = pgTable('rate_limits', {
  bucket: text().primaryKey(),
  /** The whole state (`rate-limits/gcra`), microseconds. */
  fullAgainUs: bigint('full_again_us', { mode: 'number' }).notNull(),
  /** When the last request came, microseconds. */
  lastUs: bigint('last_us', { mode: 'number' }).notNull(),
  /** What the last request was told: lets one statement answer with its own decision. */
  isAllowed: boolean('is_allowed').notNull(),
});

/** Failed exchanges by client address. UNLOGGED, as the rate limits are. */
export const attempts = pgTable(
  'attempts',
  {
    bucket: text().primaryKey(),
    startedAtMs: time('started_at_ms').notNull(),
    failures: integer().notNull(),
  },
  (table) => [index('attempts_by_start').on(table.startedAtMs)],
);

/** Edge workers that may open sealed macaroon keys (`edges/`). */
export const edges = pgTable('edges', {
  edgeId: text('edge_id').primaryKey(),
  name: text().notNull().unique(),
  /** JSON arrays of texts. */
  tenants: text().notNull(),
  audiences: text().notNull(),
  /** Its secret is derived from the edge root, `edge_id` and this number. */
  generation: integer().notNull().default(1),
  /** Until then the keys are sealed for the generation before as well. */
  overlapEndMs: time('overlap_end_ms'),
  createTimeMs: time('create_time_ms').notNull(),
  updateTimeMs: time('update_time_ms').notNull(),
  revokeTimeMs: time('revoke_time_ms'),
  /** The audit event of the last change: lets one batch branch on its own outcome. */
  changedBy: text('changed_by'),
});

/** Macaroon keys that were revoked for good and replaced: none of them is ever made again. */
export const replacedMacaroonKeys = pgTable(
  'replaced_macaroon_keys',
  {
    nid: text().notNull(),
    kid: text().notNull(),
    audience: text().notNull(),
    epochStartS: time('epoch_start_s').notNull(),
    epochLengthS: time('epoch_length_s').notNull(),
    /** Which key of its epoch it was, from 0. */
    generation: integer().notNull(),
    replacedAtS: time('replaced_at_s').notNull(),
    /** From then on no key of the epoch is in use: the row may go. */
    expiresAtS: time('expires_at_s').notNull(),
  },
  (table) => [primaryKey({ columns: [table.nid, table.kid] })],
);
