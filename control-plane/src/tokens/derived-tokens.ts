/** What the rest of the control plane asks of derived tokens. */

import type { VerifiedClaims } from '@cardea/shared/jwt/claims';
import type { ParsedCaveat } from '@cardea/shared/macaroon/caveat';
import type { Caveat } from '@cardea/shared/macaroon/macaroon';
import type { Result } from '@cardea/shared/result';
import type { Tenant } from '../tenants/tenant.ts';

export interface VerifiedDerivedToken {
  /** Of a macaroon: those of its base grant. What its caveats leave of them, `narrowing` says. */
  readonly claims: VerifiedClaims;
  /** Of the key that vouches for it. */
  readonly kid: string;
  /** What it is for: of a macaroon the audience of its key. */
  readonly audience: string;
  /** Absent for a JWT. */
  readonly narrowing?: Narrowing;
}

export interface Narrowing {
  /** All that must be cleared, those of discharges among them. */
  readonly caveats: readonly ParsedCaveat[];
  /** The macaroon's own after its base grant, as they are. */
  readonly ownCaveats: readonly Caveat[];
}

export interface DerivedTokenVerifier {
  /**
   * Signature or chain, claims and revocations (read uncached from the database) of a derived token.
   * Does not look at `acl` and at caveats: the caller knows the client's address.
   */
  verify(text: string, tenant: Tenant): Promise<Result<VerifiedDerivedToken>>;
}
