/**
 * Tenants in D1. A row of `tenants` and its rows in `tenant_hosts` change in one batch; what a later
 * statement does depends on the mark (`changed_by`) that the first one left.
 */

import { and, asc, eq, getTableColumns, gt, type SQL, sql } from 'drizzle-orm';
import { type DrizzleD1Database, drizzle } from 'drizzle-orm/d1';
import type { NewAuditEvent } from '../audit/audit-event.ts';
import type {
  NewTenant,
  TenantDeleteOutcome,
  TenantDeletion,
  TenantInsertOutcome,
  TenantStore,
  TenantUpdate,
  TenantUpdateOutcome,
} from '../tenants/store.ts';
import { answered } from './answered.ts';
import { auditInsert } from './audit-rows.d1.ts';
import { NOW_MS } from './clock.d1.ts';
import { toRevocation } from './revocation-row.ts';
import { revocationInsert } from './revocation-rows.d1.ts';
import {
  adminCredentials,
  apiKeys,
  idempotentRequests,
  signingKeys,
  tenantHosts,
  tenants,
} from './schema.d1.ts';
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
 * returns, drizzle leaves their names out, and `nid` would be the inner table's own.
 */
const TENANT_AND_HOSTS = {
  ...getTableColumns(tenants),
  hosts: sql<string>`(SELECT json_group_array(own.host) FROM ${tenantHosts} AS own
    WHERE own.nid = tenants.nid)`.as('hosts'),
};

export function createTenantStore(database: D1Database): TenantStore {
  const db = drizzle(database);
  return {
    insert: (tenant, audit) => insert(db, tenant, audit),

    async find(tenantId) {
      const [row] = await answered(selectTenant(db, tenantId));
      return row === undefined ? undefined : toTenant(row);
    },

    async findByHost(host) {
      const tenantOfHost = db
        .select({ nid: tenantHosts.nid })
        .from(tenantHosts)
        .where(eq(tenantHosts.host, host));
      const [row] = await answered(
        db
          .select(TENANT_AND_HOSTS)
          .from(tenants)
          .where(eq(tenants.nid, sql`(${tenantOfHost})`)),
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

    update: (update) => updateTenant(db, update),
    delete: (deletion) => deleteTenant(db, deletion),
  };
}

function selectTenant(db: DrizzleD1Database, tenantId: string) {
  return db.select(TENANT_AND_HOSTS).from(tenants).where(eq(tenants.nid, tenantId));
}

/** Holds once the tenant carries the mark of this change. */
function wasChangedBy(tenantId: string, audit: NewAuditEvent): SQL {
  return sql`EXISTS (SELECT 1 FROM ${tenants}
    WHERE ${and(eq(tenants.nid, tenantId), eq(tenants.changedBy, audit.eventId))})`;
}

/** Holds if one of the hosts leads to a tenant. */
function isAnyTaken(hosts: readonly string[]): SQL {
  return sql`EXISTS (SELECT 1 FROM ${tenantHosts} AS taken
    WHERE taken.host IN ${elementsOf(hosts)})`;
}

/** Holds if one of the hosts leads to another tenant. */
function isAnyTakenByOthers(hosts: readonly string[], tenantId: string): SQL<number> {
  return sql<number>`EXISTS (SELECT 1 FROM ${tenantHosts} AS taken
    WHERE taken.host IN ${elementsOf(hosts)} AND taken.nid <> ${tenantId})`;
}

/** The elements of a list, as a sub-query: D1 allows 100 parameters a statement. */
function elementsOf(texts: readonly string[]): SQL {
  return sql`(SELECT value FROM json_each(${JSON.stringify(texts)}))`;
}

/** For a batch: hands the hosts to the tenant. */
function hostsInsert(
  db: DrizzleD1Database,
  { tenantId, hosts }: Pick<NewTenant, 'tenantId' | 'hosts'>,
  guard: SQL,
) {
  const selection = sql`SELECT value, ${tenantId} FROM json_each(${JSON.stringify(hosts)})
    WHERE ${guard}`;
  return db.insert(tenantHosts).select(selection);
}

async function insert(
  db: DrizzleD1Database,
  tenant: NewTenant,
  audit: NewAuditEvent,
): Promise<TenantInsertOutcome> {
  const { tenantId, hosts } = tenant;
  const guard = wasChangedBy(tenantId, audit);
  // Every column in the order of the schema: drizzle names them so.
  const selection = sql`SELECT ${tenantId}, ${tenant.name}, ${JSON.stringify(tenant.settings)},
    ${NOW_MS}, ${NOW_MS}, 1, ${audit.eventId} WHERE NOT ${isAnyTaken(hosts)}`;
  const [, , , [row]] = await answered(
    db.batch([
      db.insert(tenants).select(selection),
      hostsInsert(db, tenant, guard),
      auditInsert(db, audit, guard),
      selectTenant(db, tenantId),
    ]),
  );
  if (row === undefined) return { outcome: 'host_taken' };
  return { outcome: 'inserted', tenant: toTenant(row) };
}

async function updateTenant(
  db: DrizzleD1Database,
  update: TenantUpdate,
): Promise<TenantUpdateOutcome> {
  const { tenantId, revision, hosts, audit } = update;
  const guard = wasChangedBy(tenantId, audit);
  const isTaken = isAnyTakenByOthers(hosts, tenantId);
  const changed = {
    name: update.name,
    settings: JSON.stringify(update.settings),
    updateTimeMs: NOW_MS,
    revision: sql`${tenants.revision} + 1`,
    changedBy: audit.eventId,
  };
  const isUnchanged = and(eq(tenants.nid, tenantId), eq(tenants.revision, revision));
  const [[judged], , , , , [row]] = await answered(
    db.batch([
      db
        .select({ revision: tenants.revision, isTaken })
        .from(tenants)
        .where(eq(tenants.nid, tenantId)),
      db
        .update(tenants)
        .set(changed)
        .where(and(isUnchanged, sql`NOT ${isTaken}`)),
      db.delete(tenantHosts).where(and(eq(tenantHosts.nid, tenantId), guard)),
      hostsInsert(db, update, guard),
      auditInsert(db, audit, guard),
      selectTenant(db, tenantId),
    ]),
  );
  if (judged === undefined || row === undefined) return { outcome: 'not_found' };
  if (judged.revision !== revision) return { outcome: 'changed_meanwhile' };
  if (judged.isTaken === 1) return { outcome: 'host_taken' };
  return { outcome: 'updated', tenant: toTenant(row) };
}

/** Not revoked and not expired. A disabled key counts: it can be enabled. */
function hasLiveKey(tenantId: string): SQL {
  return sql`EXISTS (SELECT 1 FROM ${apiKeys} AS live
    WHERE live.nid = ${tenantId} AND live.state = 'active'
      AND (live.expire_time_ms IS NULL OR live.expire_time_ms > ${NOW_MS})
      AND (live.overlap_end_ms IS NULL OR live.overlap_end_ms > ${NOW_MS}))`;
}

/** The mark comes first, the marked row itself goes last: between them stands all that it guards. */
async function deleteTenant(
  db: DrizzleD1Database,
  deletion: TenantDeletion,
): Promise<TenantDeleteOutcome> {
  const { tenantId, isForced, revocation, audit } = deletion;
  const guard = wasChangedBy(tenantId, audit);
  const isDeletable = isForced ? undefined : sql`NOT ${hasLiveKey(tenantId)}`;
  const belongings = BELONGINGS.map((table) =>
    db.delete(table).where(and(eq(table.nid, tenantId), guard)),
  );
  const [[present], , [written]] = await answered(
    db.batch([
      db.select({ nid: tenants.nid }).from(tenants).where(eq(tenants.nid, tenantId)),
      db
        .update(tenants)
        .set({ changedBy: audit.eventId })
        .where(and(eq(tenants.nid, tenantId), isDeletable)),
      revocationInsert(db, revocation, guard),
      auditInsert(db, audit, guard),
      ...belongings,
      db
        .delete(tenants)
        .where(and(eq(tenants.nid, tenantId), eq(tenants.changedBy, audit.eventId))),
    ]),
  );
  if (written !== undefined) return { outcome: 'deleted', revocation: toRevocation(written) };
  return { outcome: present === undefined ? 'not_found' : 'has_live_keys' };
}
