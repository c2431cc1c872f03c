/** What edges were last seen at, in PostgreSQL. */

import { unixMilliseconds } from '@cardea/shared/time';
import { asc, desc, inArray, lte, sql } from 'drizzle-orm';
import {
  type EdgeSighting,
  type EdgeSightingStore,
  SIGHTINGS_MAX,
} from '../publication/edge-sightings.ts';
import { answered, inTransaction } from './answered.pg.ts';
import type { PostgresDatabase } from './postgres.ts';
import { edgeSightings } from './publisher-schema.pg.ts';

export function createEdgeSightingStore(db: PostgresDatabase): EdgeSightingStore {
  const { edge, seq, seenAtMs } = edgeSightings;
  const newestFirst = [desc(seenAtMs), asc(edge)] as const;
  return {
    note: (sightings) =>
      inTransaction(db, async (tx) => {
        if (sightings.length === 0) return;
        // In their order, so that two who write the same edges wait for each other and not crosswise.
        const rows = [...sightings].sort((a, b) => (a.edge < b.edge ? -1 : 1)).map(toRow);
        await tx
          .insert(edgeSightings)
          .values(rows)
          .onConflictDoUpdate({
            target: edge,
            set: { seq: sql`excluded.seq`, seenAtMs: sql`excluded.seen_at_ms` },
            setWhere: lte(seenAtMs, sql`excluded.seen_at_ms`),
          });
        const rest = tx
          .select({ edge })
          .from(edgeSightings)
          .orderBy(...newestFirst);
        await tx.delete(edgeSightings).where(inArray(edge, rest.offset(SIGHTINGS_MAX)));
      }),

    async list() {
      const rows = await answered(
        db
          .select({ edge, seq, seenAtMs })
          .from(edgeSightings)
          .orderBy(...newestFirst),
      );
      return rows.map((row) => ({
        ...{ edge: row.edge, seq: row.seq, seenAt: unixMilliseconds(row.seenAtMs) },
      }));
    },
  };
}

function toRow({ edge, seq, seenAt: seenAtMs }: EdgeSighting) {
  return { edge, seq, seenAtMs };
}
