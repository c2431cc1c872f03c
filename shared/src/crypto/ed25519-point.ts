/**
 * What WebCrypto does not check of an Ed25519 public key (RFC 8032 §5.1.3, §5.1.7): that its encoding
 * is canonical, that it is a point of the curve, and that the point is not one of the eight of small
 * order, under which one signature fits many messages. Range checks on public values; not constant
 * time, and no signature arithmetic.
 */

/** The field's prime. */
const P = 2n ** 255n - 19n;
/** d of −x² + y² = 1 + d·x²·y². */
const D = 37095705934669439343138083508754565189542113879843219016388785533085940283555n;

/** y of the points of order 8; the other two are its negatives. */
const Y_OF_ORDER_8 = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n;

/** y of all eight points of small order (orders 1, 2, 4, 4, 8, 8, 8, 8), canonical. */
const SMALL_ORDER_Y: ReadonlySet<bigint> = new Set([
  1n,
  P - 1n,
  0n,
  Y_OF_ORDER_8,
  P - Y_OF_ORDER_8,
]);

export type Ed25519PointProblem = 'length' | 'non_canonical' | 'small_order' | 'off_curve';

/** What is wrong with the 32 bytes as a public key, or `undefined` if nothing is. */
export function problemOfEd25519Point(encoded: Uint8Array): Ed25519PointProblem | undefined {
  if (encoded.length !== 32) return 'length';
  let y = 0n;
  for (let i = 31; i >= 0; i--) y = (y << 8n) | BigInt(encoded[i] ?? 0);
  y &= (1n << 255n) - 1n; // Bit 255 is the sign of x.
  if (y >= P) return 'non_canonical';
  // Covers x = 0 with the sign bit set as well: x is 0 for y = ±1 alone.
  if (SMALL_ORDER_Y.has(y)) return 'small_order';
  // x² = (y² − 1) / (d·y² + 1) has a root exactly if the product of the two is a square.
  const ySquared = (y * y) % P;
  const product = ((ySquared - 1n) * (D * ySquared + 1n)) % P;
  return power((product + P) % P, (P - 1n) / 2n) === 1n ? undefined : 'off_curve';
}

/** `base` to the `exponent` modulo P, by squaring (Euler's criterion needs no more). */
function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = base;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % P;
    square = (square * square) % P;
  }
  return result;
}

/** The order of the base point, 2^252 + 27742317777372353535851937790883648493, little-endian. */
const L = Uint8Array.of(
  ...[
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
  ],
  ...[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10],
);

/** Whether the S half of a 64-byte signature is below L (RFC 8032 §5.1.7, step 1). */
export function isCanonicalEd25519Scalar(signature: Uint8Array): boolean {
  for (let i = 31; i >= 0; i--) {
    const byte = signature[32 + i] ?? 0;
    const bound = L[i] ?? 0;
    if (byte !== bound) return byte < bound;
  }
  return false; // S = L
}
