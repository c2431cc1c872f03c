/**
 * The one place where a public key enters Cardea: feed, JWKS of a configured issuer, proof keys.
 * WebCrypto imports small-order Ed25519 points, off-size coordinates and short RSA moduli without
 * complaint, so everything is checked here first (`public-jwk.ts`).
 */

import { concatBytes } from '../bytes/framing.ts';
import { accept, type Result, refuse } from '../result.ts';
import { isCanonicalEd25519Scalar } from './ed25519-point.ts';
import { isP256SignatureInRange } from './p256-point.ts';
import { type PublicKeyMaterial, parsePublicJwk } from './public-jwk.ts';

/** RFC 8037 §3.1, RFC 7518 §3.3 and §3.4. The key decides; a token's header must agree. */
export type JwsAlgorithm = 'EdDSA' | 'ES256' | 'RS256';

/** A checked public key, bound to the one algorithm that it verifies. */
export interface VerificationKey {
  readonly algorithm: JwsAlgorithm;
  readonly key: CryptoKey;
}

/** What WebCrypto wants to be told when it verifies. */
const VERIFY_PARAMETERS = {
  EdDSA: { name: 'Ed25519' },
  ES256: { name: 'ECDSA', hash: 'SHA-256' },
  RS256: { name: 'RSASSA-PKCS1-v1_5' },
} as const satisfies Record<JwsAlgorithm, object>;

/**
 * Checks and imports a public JWK: Ed25519, P-256, or RSA of 2048 to 8192 bits. Own members only;
 * `kid` and unknown members are not looked at. Refuses with `verification_key_invalid`.
 */
export async function importVerificationKey(jwk: unknown): Promise<Result<VerificationKey>> {
  const material = parsePublicJwk(jwk);
  if (!material.ok) return material;
  try {
    const key = await importMaterial(material.value);
    return accept({ algorithm: material.value.algorithm, key });
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    // The runtime knows a rule that we do not: its "no" counts as well.
    return refuse('verification_key_invalid', { rule: 'runtime' });
  }
}

function importMaterial(material: PublicKeyMaterial): Promise<CryptoKey> {
  const usages: KeyUsage[] = ['verify'];
  switch (material.algorithm) {
    case 'EdDSA':
      return crypto.subtle.importKey('raw', material.point, { name: 'Ed25519' }, true, usages);
    case 'ES256': {
      const point = concatBytes(UNCOMPRESSED, material.x, material.y);
      const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
      return crypto.subtle.importKey('raw', point, algorithm, true, usages);
    }
    case 'RS256': {
      const jwk = { kty: 'RSA', n: material.modulus, e: material.exponent };
      const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
      return crypto.subtle.importKey('jwk', jwk, algorithm, true, usages);
    }
  }
}

/** Marks an uncompressed point (SEC 1 §2.3.3). */
const UNCOMPRESSED = Uint8Array.of(4);

/**
 * Whether `signature` is `key`'s over `message`; refuses non-canonical signatures as false: another
 * length than the algorithm's, S ≥ L (RFC 8032 §5.1.7), r or s outside of 1 … n − 1.
 */
export function verifySignature(
  key: VerificationKey,
  signature: Uint8Array<ArrayBuffer>,
  message: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  if (!isCanonicalSignature(key, signature)) return Promise.resolve(false);
  return crypto.subtle.verify(VERIFY_PARAMETERS[key.algorithm], key.key, signature, message);
}

function isCanonicalSignature(key: VerificationKey, signature: Uint8Array): boolean {
  switch (key.algorithm) {
    case 'EdDSA':
      return signature.length === 64 && isCanonicalEd25519Scalar(signature);
    case 'ES256':
      return signature.length === 64 && isP256SignatureInRange(signature);
    case 'RS256':
      return signature.length * 8 === modulusBits(key.key.algorithm);
  }
}

function modulusBits(algorithm: KeyAlgorithm): number | undefined {
  if (!('modulusLength' in algorithm)) return undefined;
  return typeof algorithm.modulusLength === 'number' ? algorithm.modulusLength : undefined;
}
