/** Request ids of revocations in D1: taken in the batch of what they are for. */

import { and, eq, type SQL, sql } from 'drizzle-orm';
import type { DrizzleD1Database } from 'drizzle-orm/d1';
import { NOW_MS } from './clock.d1.ts';
import { REVOCATION_CREATE, type RevocationClaim } from './revocation-claim.ts';
import { idempotentRequests } from './schema.d1.ts';

type ClaimName = Pick<RevocationClaim, 'tenantId' | 'requestId'>;

function isClaim({ tenantId, requestId }: ClaimName): SQL | undefined {
  return and(
    eq(idempotentRequests.nid, tenantId),
    eq(idempotentRequests.operation, REVOCATION_CREATE),
    eq(idempotentRequests.requestId, requestId),
  );
}

export function isUnclaimed(claim: ClaimName): SQL {
  return sql`NOT EXISTS (SELECT 1 FROM ${idempotentRequests} WHERE ${isClaim(claim)})`;
}

/** Holds if it was this very request that has taken the id: in this batch, its revocation being new. */
export function isClaimedFor(claim: RevocationClaim): SQL {
  return sql`EXISTS (SELECT 1 FROM ${idempotentRequests}
    WHERE ${and(isClaim(claim), eq(idempotentRequests.keyId, claim.revocationId))})`;
}

/** For a batch: takes the request id if `guard` holds. */
export function revocationClaim(db: DrizzleD1Database, claim: RevocationClaim, guard: SQL) {
  const { tenantId, requestId, requestHash, revocationId } = claim;
  // Every column in the order of the schema: drizzle names them so.
  return db.insert(idempotentRequests).select(
    sql`SELECT ${tenantId}, ${REVOCATION_CREATE}, ${requestId}, ${requestHash}, ${revocationId},
      ${NOW_MS} WHERE ${guard}`,
  );
}

export function readRevocationClaim(db: DrizzleD1Database, claim: ClaimName) {
  return db
    .select({
      requestHash: idempotentRequests.requestHash,
      revocationId: idempotentRequests.keyId,
    })
    .from(idempotentRequests)
    .where(isClaim(claim));
}
