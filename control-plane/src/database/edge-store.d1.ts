/**
 * Edges in D1. What a later statement of a batch does depends on the mark (`changed_by`) that an
 * earlier one left.
 */

import { unixMilliseconds } from '@cardea/shared/time';
import { and, asc, eq, getTableColumns, isNull, lte, or, type SQL, sql } from 'drizzle-orm';
import { type DrizzleD1Database, drizzle } from 'drizzle-orm/d1';
import type { NewAuditEvent } from '../audit/audit-event.ts';
import type { EdgeStore } from '../edges/store.ts';
import { answered } from './answered.ts';
import { auditInsert } from './audit-rows.d1.ts';
import { NOW_MS } from './clock.d1.ts';
import { notInserted, notRotated, toEdge } from './edge-row.ts';
import { edges } from './schema.d1.ts';

export function createEdgeStore(database: D1Database): EdgeStore {
  const db = drizzle(database);
  return {
    insert: (edge, limits) => insert(db, edge, limits),

    async find(edgeId) {
      const [row] = await answered(db.select().from(edges).where(eq(edges.edgeId, edgeId)));
      return row === undefined ? undefined : toEdge(row);
    },

    async list() {
      const columns = { ...getTableColumns(edges), nowMs: NOW_MS.as('now_ms') };
      const rows = await answered(db.select(columns).from(edges).orderBy(asc(edges.name)));
      // Without a row there is nothing to judge by the time.
      return { edges: rows.map(toEdge), now: unixMilliseconds(rows[0]?.nowMs ?? 0) };
    },

    async rotate({ edgeId, overlapSeconds, audit }) {
      const isMeant = eq(edges.edgeId, edgeId);
      const hasNoOverlap = or(isNull(edges.overlapEndMs), lte(edges.overlapEndMs, NOW_MS));
      const [[rotated], [present]] = await answered(
        db.batch([
          db
            .update(edges)
            .set({
              generation: sql`${edges.generation} + 1`,
              overlapEndMs: sql`${NOW_MS} + CAST(${overlapSeconds} * 1000 AS INTEGER)`,
              updateTimeMs: NOW_MS,
              changedBy: audit.eventId,
            })
            .where(and(isMeant, isNull(edges.revokeTimeMs), hasNoOverlap))
            .returning(),
          db.select().from(edges).where(isMeant),
          auditInsert(db, audit, wasChangedBy(edgeId, audit)),
        ]),
      );
      if (rotated !== undefined) return { outcome: 'rotated', edge: toEdge(rotated) };
      return notRotated(present);
    },

    async revoke({ edgeId, audit }) {
      const isMeant = eq(edges.edgeId, edgeId);
      const [[revoked], [present]] = await answered(
        db.batch([
          db
            .update(edges)
            .set({ revokeTimeMs: NOW_MS, updateTimeMs: NOW_MS, changedBy: audit.eventId })
            .where(and(isMeant, isNull(edges.revokeTimeMs)))
            .returning(),
          db.select().from(edges).where(isMeant),
          auditInsert(db, audit, wasChangedBy(edgeId, audit)),
        ]),
      );
      if (revoked !== undefined) return 'revoked';
      return present === undefined ? 'not_found' : 'already_revoked';
    },
  };
}

async function insert(
  db: DrizzleD1Database,
  ...[edge, { pairsMax, audit }]: Parameters<EdgeStore['insert']>
): ReturnType<EdgeStore['insert']> {
  const { edgeId, name } = edge;
  const tenants = JSON.stringify(edge.tenantIds);
  const audiences = JSON.stringify(edge.audiences);
  const pairs = edge.tenantIds.length * edge.audiences.length;
  const pairsBefore = sql`(SELECT COALESCE(SUM(json_array_length(live.tenants) *
    json_array_length(live.audiences)), 0) FROM ${edges} AS live
    WHERE live.revoke_time_ms IS NULL)`;
  // Every column in the order of the schema: drizzle names them so.
  const row = sql`SELECT ${edgeId}, ${name}, ${tenants}, ${audiences}, 1, NULL, ${NOW_MS},
    ${NOW_MS}, NULL, ${audit.eventId} WHERE ${pairsBefore} + ${pairs} <= ${pairsMax}`;
  const [[inserted], taken] = await answered(
    db.batch([
      db.insert(edges).select(row).onConflictDoNothing().returning(),
      db.select({ edgeId: edges.edgeId }).from(edges).where(eq(edges.name, name)),
      auditInsert(db, audit, wasChangedBy(edgeId, audit)),
    ]),
  );
  if (inserted === undefined) return notInserted(taken.length > 0);
  return { outcome: 'inserted', edge: toEdge(inserted) };
}

/** Holds once the edge carries the mark of this change. */
function wasChangedBy(edgeId: string, { eventId }: NewAuditEvent): SQL {
  return sql`EXISTS (SELECT 1 FROM ${edges} AS changed
    WHERE changed.edge_id = ${edgeId} AND changed.changed_by = ${eventId})`;
}
