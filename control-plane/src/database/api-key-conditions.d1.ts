/** What statements about API keys ask for: which key, where in its life, changed by whom. */

import { and, eq, gt, isNotNull, isNull, lte, or, type SQL, sql } from 'drizzle-orm';
import type { KeyQuery } from '../api-keys/store.ts';
import type { NewAuditEvent } from '../audit/audit-event.ts';
import { NOW_MS } from './clock.d1.ts';
import { apiKeys } from './schema.d1.ts';

export function isKey(tenantId: string, keyId: string): SQL | undefined {
  return and(eq(apiKeys.nid, tenantId), eq(apiKeys.keyId, keyId));
}

/** Holds once the key that the event is about carries the mark of this change. */
export function wasChangedBy(audit: NewAuditEvent): SQL {
  return sql`EXISTS (SELECT 1 FROM ${apiKeys}
    WHERE ${and(isKey(audit.tenantId, audit.targetId), eq(apiKeys.changedBy, audit.eventId))})`;
}

/** Not revoked: neither by a revocation nor by the end of an overlap. */
export const isUnrevoked = and(
  eq(apiKeys.state, 'active'),
  or(isNull(apiKeys.overlapEndMs), gt(apiKeys.overlapEndMs, NOW_MS)),
);

/** The first part is the condition of the index `api_keys_revoked`, word for word. */
const isRevoked = and(
  sql`(${apiKeys.state} = 'revoked' OR ${apiKeys.overlapEndMs} IS NOT NULL)`,
  or(eq(apiKeys.state, 'revoked'), lte(apiKeys.overlapEndMs, NOW_MS)),
);

export const isUnexpired = or(isNull(apiKeys.expireTimeMs), gt(apiKeys.expireTimeMs, NOW_MS));

/** The conditions of `statusOf`, in SQL. */
export function hasStatus(status: KeyQuery['status']): SQL | undefined {
  switch (status) {
    case undefined:
      return undefined;
    case 'revoked':
      return isRevoked;
    case 'expired':
      return and(isUnrevoked, lte(apiKeys.expireTimeMs, NOW_MS));
    case 'disabled':
      return and(isUnrevoked, isUnexpired, isNotNull(apiKeys.disableTimeMs));
    case 'active':
      return and(isUnrevoked, isUnexpired, isNull(apiKeys.disableTimeMs));
  }
}

/**
 * How many keys a tenant may still have, never below 0 in effect. Counts no further than the quota.
 * Its tables are named apart: it stands inside of statements about other keys.
 */
export function placesLeft(tenantId: string, keysMax: number): SQL {
  return sql`(${keysMax} - (SELECT count(*) FROM (
    SELECT 1 FROM ${apiKeys} AS counted
    WHERE counted.nid = ${tenantId} AND counted.state = 'active'
      AND (counted.overlap_end_ms IS NULL OR counted.overlap_end_ms > ${NOW_MS})
    LIMIT ${keysMax})))`;
}

/** The elements of a list, as a sub-query: D1 allows 100 parameters a statement, and 2 MB for one. */
export function elementsOf(list: readonly string[]): SQL {
  return sql`(SELECT value FROM json_each(${JSON.stringify(list)}))`;
}
