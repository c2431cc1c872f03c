/** Tenants in PostgreSQL. A row of `tenants` and its rows in `tenant_hosts` change together. */

import { and, asc, eq, getTableColumns, gt, sql } from 'drizzle-orm';
import type { NewAuditEvent } from '../audit/audit-event.ts';
import type {
  NewTenant,
  StoredTenant,
  TenantDeleteOutcome,
  TenantDeletion,
  TenantInsertOutcome,
  TenantStore,
  TenantUpdate,
  TenantUpdateOutcome,
} from '../tenants/store.ts';
import { answered, inTransaction, undo } from './answered.pg.ts';
import { isUnexpired, isUnrevoked } from './api-key-conditions.pg.ts';
import { insertAuditEvents } from './audit-rows.pg.ts';
import { CLOCK_READ_ONCE, NOW_MS } from './clock.pg.ts';
import type { PostgresDatabase } from './postgres.ts';
import { insertRevocation } from './revocation-rows.pg.ts';
import {
  adminCredentials,
  apiKeys,
  idempotentRequests,
  signingKeys,
  tenantHosts,
  tenants,
} from './schema.pg.ts';
import { toTenant } from './tenant-row.ts';

/** What goes with a tenant. Its audit events and its revocations stay. */
const BELONGINGS = [
  apiKeys,
  idempotentRequests,
  signingKeys,
  adminCredentials,
  tenantHosts,
] as const;

/**
 * A row with the JSON array of its hosts. The tables are named by hand: in what a select of one table
 * returns, drizzle leaves their names out, and `nid` would be the inner table's own. `now`: keeps
 * Hyperdrive from caching it.
 */
const TENANT_AND_HOSTS = {
  ...getTableColumns(tenants),
  hosts: sql<string>`(SELECT coalesce(json_agg(own.host), '[]')::text FROM ${tenantHosts} AS own
    WHERE own.nid = tenants.nid)`.as('hosts'),
  nowMs: NOW_MS.as('now_ms'),
};

export function createTenantStore(db: PostgresDatabase): TenantStore {
  return {
    insert: (tenant, audit) => inTransaction(db, (tx) => insert(tx, tenant, audit)),
    find: (tenantId) => answered(find(db, tenantId)),

    async findByHost(host) {
      const [row] = await answered(
        db
          .select(TENANT_AND_HOSTS)
          .from(tenants)
          .innerJoin(tenantHosts, eq(tenantHosts.nid, tenants.nid))
          .where(eq(tenantHosts.host, host)),
      );
      return row === undefined ? undefined : toTenant(row);
    },

    async list({ pageSize, afterTenantId }) {
      const rows = await answered(
        db
          .select(TENANT_AND_HOSTS)
          .from(tenants)
          .where(afterTenantId === undefined ? undefined : gt(tenants.nid, afterTenantId))
          .orderBy(asc(tenants.nid))
          .limit(pageSize + 1),
      );
      const page = rows.slice(0, pageSize).map(toTenant);
      const last = rows.length > pageSize ? page.at(-1) : undefined;
      return { tenants: page, ...(last === undefined ? {} : { nextAfterTenantId: last.tenantId }) };
    },

    update: (update) => inTransaction(db, (tx) => updateTenant(tx, update)),
    delete: (deletion) => inTransaction(db, (tx) => deleteTenant(tx, deletion)),
  };
}

async function find(db: PostgresDatabase, tenantId: string): Promise<StoredTenant | undefined> {
  const [row] = await db.select(TENANT_AND_HOSTS).from(tenants).where(eq(tenants.nid, tenantId));
  return row === undefined ? undefined : toTenant(row);
}

/** What has just been written. */
async function mustFind(tx: PostgresDatabase, tenantId: string): Promise<StoredTenant> {
  const tenant = await find(tx, tenantId);
  if (tenant === undefined) throw new TypeError('A tenant that was written is not there.');
  return tenant;
}

/** Hands the hosts to the tenant, or ends the transaction if one of them leads to another tenant. */
async function takeHosts(
  tx: PostgresDatabase,
  { tenantId, hosts }: Pick<NewTenant, 'tenantId' | 'hosts'>,
): Promise<void> {
  // In their order, so that two who want the same hosts wait for each other and not crosswise.
  const selection = sql`SELECT host, ${tenantId}::text
    FROM json_array_elements_text(${JSON.stringify([...hosts].sort())}::json) AS host`;
  const taken = await tx
    .insert(tenantHosts)
    .select(selection)
    .onConflictDoNothing()
    .returning({ host: tenantHosts.host });
  if (taken.length < hosts.length) undo({ outcome: 'host_taken' });
}

async function insert(
  tx: PostgresDatabase,
  tenant: NewTenant,
  audit: NewAuditEvent,
): Promise<TenantInsertOutcome> {
  const { tenantId, name, settings } = tenant;
  await takeHosts(tx, tenant);
  // Every column in the order of the schema: drizzle names them so.
  await tx.insert(tenants).select(
    sql`SELECT ${tenantId}::text, ${name}::text, ${JSON.stringify(settings)}::text, now_ms, now_ms,
      1, ${audit.eventId}::text FROM ${CLOCK_READ_ONCE}`,
  );
  await insertAuditEvents(tx, [audit]);
  return { outcome: 'inserted', tenant: await mustFind(tx, tenantId) };
}

async function updateTenant(
  tx: PostgresDatabase,
  update: TenantUpdate,
): Promise<TenantUpdateOutcome> {
  const { tenantId, audit } = update;
  const isTenant = eq(tenants.nid, tenantId);
  const changed = await tx
    .update(tenants)
    .set({
      name: update.name,
      settings: JSON.stringify(update.settings),
      updateTimeMs: NOW_MS,
      revision: sql`${tenants.revision} + 1`,
      changedBy: audit.eventId,
    })
    .where(and(isTenant, eq(tenants.revision, update.revision)))
    .returning({ nid: tenants.nid });
  if (changed.length === 0) {
    const isThere = (await find(tx, tenantId)) !== undefined;
    return { outcome: isThere ? 'changed_meanwhile' : 'not_found' };
  }
  await tx.delete(tenantHosts).where(eq(tenantHosts.nid, tenantId));
  await takeHosts(tx, update);
  await insertAuditEvents(tx, [audit]);
  return { outcome: 'updated', tenant: await mustFind(tx, tenantId) };
}

/**
 * The row is locked first. A key that is issued at the same moment by somebody who has already found
 * the tenant is not kept out by that, on no database: the tenant's revocation cuts off its tokens.
 */
async function deleteTenant(
  tx: PostgresDatabase,
  { tenantId, isForced, revocation, audit }: TenantDeletion,
): Promise<TenantDeleteOutcome> {
  const removed = await tx
    .delete(tenants)
    .where(eq(tenants.nid, tenantId))
    .returning({ nid: tenants.nid });
  if (removed.length === 0) return { outcome: 'not_found' };
  if (!isForced && (await hasLiveKey(tx, tenantId))) undo({ outcome: 'has_live_keys' });
  for (const table of BELONGINGS) await tx.delete(table).where(eq(table.nid, tenantId));
  const written = await insertRevocation(tx, revocation);
  await insertAuditEvents(tx, [audit]);
  return { outcome: 'deleted', revocation: written };
}

/** Not revoked and not expired. A disabled key counts: it can be enabled. */
async function hasLiveKey(tx: PostgresDatabase, tenantId: string): Promise<boolean> {
  const live = await tx
    .select({ keyId: apiKeys.keyId })
    .from(apiKeys)
    .where(and(eq(apiKeys.nid, tenantId), isUnrevoked, isUnexpired))
    .limit(1);
  return live.length === 1;
}
