/**
 * Ranges of ECDSA over P-256 (FIPS 186-5 §6.4.2, SP 800-186 §3.2.1.3): a public key is a point of
 * the curve with coordinates below p, a signature two scalars from 1 to n − 1. Public values only.
 */

const P = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn;
const B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;
const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** Whether two 32-byte coordinates, big-endian, are a point of the curve. Infinity has none. */
export function isP256Point(xBytes: Uint8Array, yBytes: Uint8Array): boolean {
  if (xBytes.length !== 32 || yBytes.length !== 32) return false;
  const x = integerOf(xBytes);
  const y = integerOf(yBytes);
  if (x >= P || y >= P) return false;
  return (y * y - (x * x * x - 3n * x + B)) % P === 0n;
}

/** Whether `r ‖ s` (RFC 7518 §3.4) are both from 1 to n − 1. Low s is not asked for by JWS. */
export function isP256SignatureInRange(signature: Uint8Array): boolean {
  return isScalar(signature.subarray(0, 32)) && isScalar(signature.subarray(32, 64));
}

function isScalar(bytes: Uint8Array): boolean {
  const scalar = integerOf(bytes);
  return scalar > 0n && scalar < N;
}

function integerOf(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return value;
}
