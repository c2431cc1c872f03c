/**
 * Guarantee: the ranges of signatures hold by our own arithmetic. OpenSSL and BoringSSL refuse the same
 * values, so tests by `verifySignature` alone would not notice if these checks were gone.
 */

import { describe, expect, test } from 'vitest';
import { isCanonicalEd25519Scalar } from './ed25519-point.ts';
import { isP256SignatureInRange } from './p256-point.ts';

function bigEndian(value: bigint): number[] {
  return Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * (31 - i))) & 255n));
}

describe('Ed25519: S below L (RFC 8032 §5.1.7)', () => {
  const L = 2n ** 252n + 27742317777372353535851937790883648493n;
  const withScalar = (s: bigint) =>
    Uint8Array.of(...new Uint8Array(32).fill(255), ...bigEndian(s).reverse());

  test.each([0n, 1n, L - 1n, L - 2n ** 128n, 2n ** 252n - 1n, 2n ** 252n])(
    '%s is in range',
    (s) => {
      expect(isCanonicalEd25519Scalar(withScalar(s))).toBe(true);
    },
  );

  test.each([L, L + 1n, L + 2n ** 8n, 2n * L, 2n ** 253n, 2n ** 255n, 2n ** 256n - 1n])(
    '%s is not',
    (s) => {
      expect(isCanonicalEd25519Scalar(withScalar(s))).toBe(false);
    },
  );
});

describe('P-256: r and s from 1 to n − 1 (FIPS 186-5 §6.4.2)', () => {
  const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  const pair = (r: bigint, s: bigint) => Uint8Array.of(...bigEndian(r), ...bigEndian(s));

  test.each([1n, 2n, N / 2n, N - 1n])('%s is in range', (value) => {
    expect(isP256SignatureInRange(pair(value, 1n))).toBe(true);
    expect(isP256SignatureInRange(pair(1n, value))).toBe(true);
  });

  test.each([0n, N, N + 1n, 2n ** 256n - 1n])('%s is not', (value) => {
    expect(isP256SignatureInRange(pair(value, 1n))).toBe(false);
    expect(isP256SignatureInRange(pair(1n, value))).toBe(false);
    expect(isP256SignatureInRange(pair(value, value))).toBe(false);
  });
});
