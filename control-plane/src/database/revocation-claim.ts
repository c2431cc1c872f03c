/** A `request_id` that has been used for a revocation, on either database. Pure. */

import type { Idempotency } from '../api-keys/store.ts';

/** What such a request id is unique for, within its tenant. */
export const REVOCATION_CREATE = 'revocation.create';

export interface RevocationClaim extends Idempotency {
  readonly tenantId: string;
  /** The first revocation that the request makes. */
  readonly revocationId: string;
}

/** What a request finds that comes after the one that has claimed its id. */
export function outcomeOfClaim(
  claimed: { readonly requestHash: string; readonly revocationId: string },
  { requestHash }: RevocationClaim,
) {
  return claimed.requestHash === requestHash
    ? ({ outcome: 'replayed', revocationId: claimed.revocationId } as const)
    : ({ outcome: 'request_id_reused' } as const);
}
