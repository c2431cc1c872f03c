/**
 * The one place where a public key enters Cardea: feed, JWKS of a configured issuer, proof keys.
 * WebCrypto imports small-order Ed25519 points, off-size coordinates and short RSA moduli without
 * complaint, so everything is checked here first.
 */

import type { Result } from '../result.ts';

/** RFC 8037 §3.1, RFC 7518 §3.3 and §3.4. The key decides; a token's header must agree. */
export type JwsAlgorithm = 'EdDSA' | 'ES256' | 'RS256';

/** A checked public key, bound to the one algorithm that it verifies. */
export interface VerificationKey {
  readonly algorithm: JwsAlgorithm;
  readonly key: CryptoKey;
}

export declare function importVerificationKey(jwk: unknown): Promise<Result<VerificationKey>>;

/** Whether `signature` is `key`'s over `message`; refuses non-canonical signatures as false. */
export declare function verifySignature(
  key: VerificationKey,
  signature: Uint8Array<ArrayBuffer>,
  message: Uint8Array<ArrayBuffer>,
): Promise<boolean>;
