/** Request ids of revocations in PostgreSQL: taken in the transaction of what they are for. */

import { and, eq } from 'drizzle-orm';
import { NOW_MS } from './clock.pg.ts';
import type { PostgresDatabase } from './postgres.ts';
import { outcomeOfClaim, REVOCATION_CREATE, type RevocationClaim } from './revocation-claim.ts';
import { idempotentRequests } from './schema.pg.ts';

/**
 * Takes the request id, and answers what a later request finds if it is taken. Waits for whoever is
 * taking it at this moment.
 */
export async function claimRevocation(
  tx: PostgresDatabase,
  claim: RevocationClaim,
): Promise<ReturnType<typeof outcomeOfClaim> | undefined> {
  const { tenantId: nid, requestId, requestHash, revocationId: keyId } = claim;
  const operation = REVOCATION_CREATE;
  const taken = await tx
    .insert(idempotentRequests)
    .values({ nid, operation, requestId, requestHash, keyId, createTimeMs: NOW_MS })
    .onConflictDoNothing()
    .returning({ keyId: idempotentRequests.keyId });
  if (taken.length === 1) return undefined;
  const { keyId: revocationId, requestHash: hash } = idempotentRequests;
  const [claimed] = await tx
    .select({ requestHash: hash, revocationId })
    .from(idempotentRequests)
    .where(
      and(
        eq(idempotentRequests.nid, nid),
        eq(idempotentRequests.operation, operation),
        eq(idempotentRequests.requestId, requestId),
      ),
    );
  // Removed in between, as all of them are after a day: whoever repeats it then is somebody new.
  if (claimed === undefined) return { outcome: 'request_id_reused' };
  return outcomeOfClaim(claimed, claim);
}
