/** Revocation rows in PostgreSQL. Lists travel as one JSON parameter: one text for every length. */

import { formatScopeId } from '@cardea/shared/feed/scope-id';
import { unixSeconds } from '@cardea/shared/time';
import { and, asc, eq, gt, inArray, isNull, lte, max, min, or, type SQL, sql } from 'drizzle-orm';
import type { RevocationStore } from '../revocations/store.ts';
import { answered } from './answered.pg.ts';
import { NOW_S } from './clock.pg.ts';
import type { PostgresDatabase } from './postgres.ts';
import { toRevocation } from './revocation-row.ts';
import { revocations } from './schema.pg.ts';

/** In effect, and not yet over. */
export const isLive = and(gt(revocations.expiresAtS, NOW_S), lte(revocations.effectiveAtS, NOW_S));

/** Of this tenant, or of all of them. */
function isOfTenant(tenantId: string): SQL | undefined {
  return or(eq(revocations.nid, tenantId), eq(revocations.scope, 'everything'));
}

/** The elements of a list of texts, as a sub-query. */
export function elementsOf(texts: readonly string[]): SQL {
  return sql`(SELECT json_array_elements_text(${JSON.stringify(texts)}::json))`;
}

export function createRevocationStore(db: PostgresDatabase): RevocationStore {
  return {
    async highestBound(tenantId, scopeIds) {
      const isOfScope = inArray(revocations.scopeId, elementsOf(scopeIds.map(formatScopeId)));
      const [row] = await answered(
        db
          .select({ bound: max(revocations.boundS) })
          .from(revocations)
          .where(and(isOfTenant(tenantId), isOfScope, isLive)),
      );
      return row?.bound ?? undefined;
    },

    async unacknowledged(count) {
      const rows = await answered(
        db
          .select()
          .from(revocations)
          .where(and(eq(revocations.acknowledged, 0), isLive))
          .orderBy(asc(revocations.createdAtS))
          .limit(count),
      );
      return rows.map(toRevocation);
    },

    async live({ afterRevocationId, count }) {
      const rows = await answered(
        db
          .select()
          .from(revocations)
          .where(and(gt(revocations.revocationId, afterRevocationId), isLive))
          .orderBy(asc(revocations.revocationId))
          .limit(count),
      );
      return rows.map(toRevocation);
    },

    async markAcknowledged(revocationIds) {
      const isNamed = inArray(revocations.revocationId, elementsOf(revocationIds));
      await answered(db.update(revocations).set({ acknowledged: 1 }).where(isNamed));
    },

    async unpublished({ count, acknowledgedOnly }) {
      const isMeant = acknowledgedOnly ? eq(revocations.acknowledged, 1) : undefined;
      const rows = await answered(
        db
          .select({ revocationId: revocations.revocationId })
          .from(revocations)
          .where(and(isNull(revocations.publishedSeq), isMeant, isLive))
          .orderBy(asc(revocations.createdAtS))
          .limit(count),
      );
      return rows.map(({ revocationId }) => revocationId);
    },

    async markPublished(revocationIds, seq) {
      const isNamed = inArray(revocations.revocationId, elementsOf(revocationIds));
      const isFirst = and(isNamed, isNull(revocations.publishedSeq));
      await answered(db.update(revocations).set({ publishedSeq: seq }).where(isFirst));
    },

    async nextEffectAt() {
      const [row] = await answered(
        db
          .select({ effectAt: min(revocations.effectiveAtS) })
          .from(revocations)
          .where(gt(revocations.effectiveAtS, NOW_S)),
      );
      return row?.effectAt == null ? undefined : unixSeconds(row.effectAt);
    },
  };
}
