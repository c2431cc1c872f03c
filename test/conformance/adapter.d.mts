/** Types of `adapter.mjs`, for the tests of this folder. */

import type { VerifiedClaims } from '../../shared/src/jwt/claims.ts';

export interface AdapterOptions {
  readonly policy: Readonly<Record<string, string | number>>;
  readonly jwks: { readonly keys: readonly unknown[] };
}

export type AdapterOutcome =
  | {
      readonly ok: true;
      readonly claims: Readonly<Record<string, unknown>>;
      readonly verified: VerifiedClaims;
    }
  | { readonly ok: false; readonly reason: string };

export declare function verifyJwt(token: unknown, options: unknown): Promise<AdapterOutcome>;

export declare function verifyEd25519(
  publicKey: unknown,
  message: unknown,
  signature: unknown,
): Promise<boolean>;
