/** Verification of derived tokens in JWT form. No I/O, no clock: keys and time are arguments. */

import type { VerificationKey } from '../crypto/verification-key.ts';
import type { Result } from '../result.ts';
import type { UnixSeconds } from '../time.ts';
import type { VerifiedClaims } from './claims.ts';

/** A verification key with what the keyset binds it to. */
export interface JwtVerificationKey extends VerificationKey {
  readonly kid: string;
  readonly tenantId: string;
  readonly issuer: string;
  readonly audience: string;
  /** The key verifies tokens from this second … */
  readonly notBeforeSeconds: UnixSeconds;
  /** … and before this one. */
  readonly notAfterSeconds: UnixSeconds;
}

export interface JwtPolicy {
  readonly issuer: string;
  readonly audience: string;
  readonly tenantId: string;
  /** Longest `exp − iat` accepted, seconds. */
  readonly lifetimeSecondsMax: number;
  /** Applied to `nbf` and to an `iat` in the future, never to `exp`. */
  readonly clockSkewSeconds: number;
}

export interface JwtVerification {
  readonly keys: ReadonlyMap<string, JwtVerificationKey>;
  readonly policy: JwtPolicy;
  readonly nowSeconds: UnixSeconds;
}

export declare function verifyJwt(
  text: string,
  verification: JwtVerification,
): Promise<Result<VerifiedClaims>>;
