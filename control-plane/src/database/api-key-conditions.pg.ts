/** What statements about API keys ask for: which key, where in its life, and how many more. */

import { and, count, eq, gt, isNotNull, isNull, lte, or, type SQL, sql } from 'drizzle-orm';
import type { KeyQuery } from '../api-keys/store.ts';
import { NOW_MS } from './clock.pg.ts';
import type { PostgresDatabase } from './postgres.ts';
import { apiKeys } from './schema.pg.ts';

export function isKey(tenantId: string, keyId: string): SQL | undefined {
  return and(eq(apiKeys.nid, tenantId), eq(apiKeys.keyId, keyId));
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
 * How many keys a tenant may still have. Counts no further than the quota. Until the transaction ends
 * nobody else counts for this tenant: two who count at the same moment would both find the last place.
 */
export async function placesLeft(
  tx: PostgresDatabase,
  tenantId: string,
  keysMax: number,
): Promise<number> {
  const name = `cardea/quota/${tenantId}`;
  await tx.execute(sql`SELECT pg_advisory_xact_lock(hashtextextended(${name}, 0))`);
  const counted = tx
    .select({ keyId: apiKeys.keyId })
    .from(apiKeys)
    .where(and(eq(apiKeys.nid, tenantId), isUnrevoked))
    .limit(keysMax)
    .as('counted');
  const [row] = await tx.select({ keys: count() }).from(counted);
  return keysMax - (row?.keys ?? 0);
}
