/** Edges in PostgreSQL: each change and its audit event in one transaction. */

import { unixMilliseconds } from '@cardea/shared/time';
import { and, asc, eq, getTableColumns, isNull, lte, or, sql } from 'drizzle-orm';
import type { EdgeStore } from '../edges/store.ts';
import { answered, inTransaction } from './answered.pg.ts';
import { insertAuditEvents } from './audit-rows.pg.ts';
import { CLOCK_READ_ONCE, NOW_MS, ONCE_MS } from './clock.pg.ts';
import { notInserted, notRotated, toEdge } from './edge-row.ts';
import type { PostgresDatabase } from './postgres.ts';
import { edges } from './schema.pg.ts';

export function createEdgeStore(db: PostgresDatabase): EdgeStore {
  return {
    insert: (edge, limits) => inTransaction(db, (tx) => insert(tx, edge, limits)),

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

    rotate: ({ edgeId, overlapSeconds, audit }) =>
      inTransaction(db, async (tx) => {
        const isMeant = eq(edges.edgeId, edgeId);
        const hasNoOverlap = or(isNull(edges.overlapEndMs), lte(edges.overlapEndMs, NOW_MS));
        const [rotated] = await tx
          .update(edges)
          .set({
            generation: sql`${edges.generation} + 1`,
            overlapEndMs: sql`${NOW_MS} + (${overlapSeconds}::double precision * 1000)::bigint`,
            updateTimeMs: NOW_MS,
            changedBy: audit.eventId,
          })
          .where(and(isMeant, isNull(edges.revokeTimeMs), hasNoOverlap))
          .returning();
        if (rotated === undefined) {
          const [present] = await tx.select().from(edges).where(isMeant);
          return notRotated(present);
        }
        await insertAuditEvents(tx, [audit]);
        return { outcome: 'rotated' as const, edge: toEdge(rotated) };
      }),

    revoke: ({ edgeId, audit }) =>
      inTransaction(db, async (tx) => {
        const isMeant = eq(edges.edgeId, edgeId);
        const revoked = await tx
          .update(edges)
          .set({ revokeTimeMs: ONCE_MS, updateTimeMs: ONCE_MS, changedBy: audit.eventId })
          .from(CLOCK_READ_ONCE)
          .where(and(isMeant, isNull(edges.revokeTimeMs)))
          .returning({ edgeId: edges.edgeId });
        if (revoked.length === 0) {
          const present = await tx.select({ edgeId: edges.edgeId }).from(edges).where(isMeant);
          return present.length === 0 ? 'not_found' : 'already_revoked';
        }
        await insertAuditEvents(tx, [audit]);
        return 'revoked';
      }),
  };
}

async function insert(
  tx: PostgresDatabase,
  ...[edge, { pairsMax, audit }]: Parameters<EdgeStore['insert']>
): ReturnType<EdgeStore['insert']> {
  const { edgeId, name } = edge;
  // Two at the same moment must not both see room for one: registrations are rare, one waits.
  await tx.execute(sql`LOCK TABLE ${edges} IN SHARE ROW EXCLUSIVE MODE`);
  const others = await tx.select().from(edges);
  if (others.some((other) => other.name === name)) return notInserted(true);
  const pairsBefore = others
    .map(toEdge)
    .filter(({ revokeTime }) => revokeTime === undefined)
    .reduce((sum, { audiences, tenantIds }) => sum + audiences.length * tenantIds.length, 0);
  const pairs = edge.tenantIds.length * edge.audiences.length;
  if (pairsBefore + pairs > pairsMax) return notInserted(false);
  const tenants = JSON.stringify(edge.tenantIds);
  const audiences = JSON.stringify(edge.audiences);
  // Every column in the order of the schema: drizzle names them so.
  const [row] = await tx
    .insert(edges)
    .select(
      sql`SELECT ${edgeId}::text, ${name}::text, ${tenants}::text, ${audiences}::text, 1, NULL::bigint,
        now_ms, now_ms, NULL::bigint, ${audit.eventId}::text FROM ${CLOCK_READ_ONCE}`,
    )
    .returning();
  if (row === undefined) throw new TypeError('An unguarded insert returned no row.');
  await insertAuditEvents(tx, [audit]);
  return { outcome: 'inserted', edge: toEdge(row) };
}
