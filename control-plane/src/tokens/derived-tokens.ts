/** What the rest of the control plane asks of derived tokens. */

import type { VerifiedClaims } from '@cardea/shared/jwt/claims';
import type { Result } from '@cardea/shared/result';
import type { Tenant } from '../tenants/tenant.ts';

export interface DerivedTokenVerifier {
  /**
   * Signature, claims and revocations (read uncached from the database) of a derived token.
   * Does not look at `acl`: the caller knows the client's address.
   */
  verify(text: string, tenant: Tenant): Promise<Result<VerifiedClaims>>;
}
