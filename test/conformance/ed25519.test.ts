/**
 * Guarantee: an Ed25519 key under which a signature can be made without a private key never becomes a
 * verification key, and no signature has a second encoding (RFC 8032 §5.1.3, §5.1.7, RFC 8725 §3.4).
 */

import { encodeBase64url } from '@cardea/shared/bytes/base64url';
import { concatBytes } from '@cardea/shared/bytes/framing';
import { decodeHex, encodeHex } from '@cardea/shared/bytes/hex';
import { importVerificationKey } from '@cardea/shared/crypto/verification-key';
import { describe, expect, test } from 'vitest';
import { verifyEd25519 } from './adapter.mjs';

const P = 2n ** 255n - 19n;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const SIGN_BIT = 2n ** 255n;

function littleEndian(value: bigint): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n));
}

function modulo(value: bigint): bigint {
  return ((value % P) + P) % P;
}

function power(base: bigint, exponent: bigint): bigint {
  let [result, square] = [1n, modulo(base)];
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = modulo(result * square);
    square = modulo(square * square);
  }
  return result;
}

const inverse = (value: bigint): bigint => power(value, P - 2n);
const D = modulo(-121665n * inverse(121666n));

type Point = readonly [x: bigint, y: bigint];

function add([x1, y1]: Point, [x2, y2]: Point): Point {
  const dxy = modulo(D * x1 * x2 * y1 * y2);
  const x = modulo((x1 * y2 + x2 * y1) * inverse(1n + dxy));
  return [x, modulo((y1 * y2 + x1 * x2) * inverse(1n - dxy))];
}

function multiply(point: Point, scalar: bigint): Point {
  let result: Point = [0n, 1n];
  for (let bit = 260n; bit >= 0n; bit--) {
    result = add(result, result);
    if ((scalar >> bit) & 1n) result = add(result, point);
  }
  return result;
}

/** x for this y, or `undefined` off the curve (RFC 8032 §5.1.3). */
function xFor(y: bigint): bigint | undefined {
  const square = modulo((y * y - 1n) * inverse(D * y * y + 1n));
  let root = power(square, (P + 3n) / 8n);
  if (modulo(root * root) !== square) root = modulo(root * power(2n, (P - 1n) / 4n));
  return modulo(root * root) === square ? root : undefined;
}

/** The eight points of small order, found by multiplying any point of the curve by L. */
function torsionPoints(): readonly Point[] {
  for (let y = 2n; ; y++) {
    const x = xFor(y);
    if (x === undefined) continue;
    const point = multiply([x, y], L);
    const multiples = [1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n].map((k) => multiply(point, k));
    if (new Set(multiples.map(String)).size === 8) return multiples;
  }
}

/** Every 32-byte text that decodes to one of them: y and y + p where it fits, both sign bits. */
function torsionEncodings(): readonly string[] {
  const encodings = new Set<string>();
  for (const [, y] of torsionPoints()) {
    for (const value of [y, y + P]) {
      if (value >= SIGN_BIT) continue;
      encodings.add(encodeHex(littleEndian(value)));
      encodings.add(encodeHex(littleEndian(value | SIGN_BIT)));
    }
  }
  return [...encodings].sort();
}

async function problemOf(encoded: Uint8Array): Promise<unknown> {
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(encoded) };
  const outcome = await importVerificationKey(jwk);
  return outcome.ok ? undefined : outcome.refusal;
}

/** RFC 8032 §7.1: TEST 1, TEST 2, TEST 3 and TEST SHA(abc). */
const RFC_8032 = [
  [
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    '',
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  ],
  [
    '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    '72',
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ],
  [
    'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    'af82',
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  ],
] as const;

describe('positive controls', () => {
  test.each(RFC_8032)('RFC 8032 §7.1, key %s', async (key, message, signature) => {
    expect(await verifyEd25519(key, message, signature)).toBe(true);
    expect(await verifyEd25519(key.toUpperCase(), message, signature.toUpperCase())).toBe(true);
    const bytes = [key, message, signature].map((hex) => decodeHex(hex)) as Uint8Array[];
    expect(await verifyEd25519(bytes[0], bytes[1], bytes[2])).toBe(true);
    expect(await verifyEd25519(key, `${message}00`, signature)).toBe(false);
  });

  test('two hundred fresh public keys, of both signs, are accepted', async () => {
    const signs = new Set<number>();
    for (let i = 0; i < 200; i++) {
      const pair = await crypto.subtle.generateKey({ name: 'Ed25519' }, true, ['sign', 'verify']);
      if (!('publicKey' in pair)) throw new Error('no pair');
      const raw = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey));
      signs.add((raw[31] ?? 0) >> 7);
      expect(await problemOf(raw)).toBeUndefined();
    }
    expect(signs.size).toBe(2);
  });
});

describe('keys of small order', () => {
  const encodings = torsionEncodings();

  test('there are fourteen encodings of the eight points, and the runtime imports them', async () => {
    expect(encodings).toHaveLength(14);
    // WebCrypto imports even the point of order 1, whose signature anybody can write.
    const identity = littleEndian(1n);
    await crypto.subtle.importKey('raw', identity, 'Ed25519', true, ['verify']);
    const universal = concatBytes(identity, littleEndian(0n));
    expect(await verifyEd25519(identity, '00', universal)).toBe(false);
  });

  test.each(encodings)('refuses %s', async (hex) => {
    const bytes = decodeHex(hex) ?? new Uint8Array();
    const y = BigInt(`0x${encodeHex(Uint8Array.from(bytes).reverse())}`) % SIGN_BIT;
    expect(await problemOf(bytes)).toEqual({
      reason: 'verification_key_invalid',
      evidence: { rule: y < P ? 'x_small_order' : 'x_non_canonical' },
    });
  });
});

describe('keys that are no point', () => {
  test('refuses every y from p to 2^255 − 1, with both sign bits', async () => {
    for (let y = P; y < SIGN_BIT; y++) {
      for (const value of [y, y | SIGN_BIT]) {
        const refusal = {
          reason: 'verification_key_invalid',
          evidence: { rule: 'x_non_canonical' },
        };
        expect(await problemOf(littleEndian(value))).toEqual(refusal);
      }
    }
  });

  test('refuses y off the curve, accepts y on it: half of the small ones each', async () => {
    const counts = { on: 0, off: 0 };
    for (let y = 2n; y < 200n; y++) {
      const isOnCurve = xFor(y) !== undefined;
      counts[isOnCurve ? 'on' : 'off']++;
      const refusal = { reason: 'verification_key_invalid', evidence: { rule: 'x_off_curve' } };
      expect(await problemOf(littleEndian(y))).toEqual(isOnCurve ? undefined : refusal);
    }
    expect(Math.min(counts.on, counts.off)).toBeGreaterThan(70);
  });

  test.each([0, 1, 31, 33, 57, 64])('refuses %i bytes', async (length) => {
    expect(await problemOf(new Uint8Array(length).fill(2))).toEqual({
      reason: 'verification_key_invalid',
      evidence: { rule: 'x_length' },
    });
  });
});

describe('signatures', () => {
  const [key, message, signature] = RFC_8032[1];

  test('S + kL is refused for every k that fits', async () => {
    const s = BigInt(
      `0x${encodeHex((decodeHex(signature.slice(64)) ?? new Uint8Array()).reverse())}`,
    );
    for (let k = 1n; s + k * L < 2n ** 256n; k++) {
      const raised = signature.slice(0, 64) + encodeHex(littleEndian(s + k * L));
      expect(await verifyEd25519(key, message, raised)).toBe(false);
    }
  });

  test('S = L and S = L + 1 are refused, S = 0 with a foreign R as well', async () => {
    for (const s of [0n, L, L + 1n, 2n ** 256n - 1n]) {
      const altered = signature.slice(0, 64) + encodeHex(littleEndian(s));
      expect(await verifyEd25519(key, message, altered)).toBe(false);
    }
  });

  test('arguments of any other kind are false, and nothing throws', async () => {
    const odd = [
      undefined,
      null,
      5,
      {},
      [],
      'zz',
      '0',
      `${key}0`,
      new ArrayBuffer(32),
      Symbol('x'),
    ];
    for (const value of odd) {
      expect(await verifyEd25519(value, message, signature)).toBe(false);
      expect(await verifyEd25519(key, value, signature)).toBe(false);
      expect(await verifyEd25519(key, message, value)).toBe(false);
    }
    expect(await verifyEd25519(key, message, `${signature}00`)).toBe(false);
    expect(await verifyEd25519(key, message, signature.slice(2))).toBe(false);
    expect(await verifyEd25519(key, message, '')).toBe(false);
  });
});
