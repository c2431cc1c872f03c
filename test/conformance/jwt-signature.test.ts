/**
 * Guarantee: only the exact signature of the key over the exact text passes, in the one encoding of
 * its algorithm (RFC 8725 §3.3, §3.4; RFC 8032 §5.1.7; RFC 7518 §3.3, §3.4).
 */

import { encodeBase64url } from '@cardea/shared/bytes/base64url';
import { concatBytes } from '@cardea/shared/bytes/framing';
import { verifyJwt } from '@cardea/shared/jwt/verify';
import { describe, expect, test } from 'vitest';
import {
  CLAIMS,
  claimsWith,
  derOf,
  ED,
  ES,
  encodePart,
  headerWith,
  RS,
  signatureOf,
  VERIFICATION,
} from './forge.ts';

const ED25519_L = 2n ** 252n + 27742317777372353535851937790883648493n;
const P256_N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

async function reasonFor(input: string, signature: Uint8Array): Promise<string | undefined> {
  const outcome = await verifyJwt(`${input}.${encodeBase64url(signature)}`, VERIFICATION);
  return outcome.ok ? undefined : outcome.refusal.reason;
}

function inputFor(pair: typeof ED): string {
  const header = headerWith({ alg: pair.algorithm, kid: pair.verificationKey.kid });
  return `${encodePart(header)}.${encodePart(CLAIMS)}`;
}

function bigEndian(value: bigint, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) =>
    Number((value >> BigInt(8 * (length - 1 - i))) & 255n),
  );
}

function fromBigEndian(bytes: Uint8Array): bigint {
  return bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

const PAIRS = [ED, ES, RS].map((pair) => [pair.algorithm, pair] as const);

describe.each(PAIRS)('%s', (_, pair) => {
  const input = inputFor(pair);

  test('the genuine signature is accepted', async () => {
    expect(await reasonFor(input, await signatureOf(input, pair))).toBeUndefined();
  });

  test('each single flipped bit in a sample of all bytes is refused', async () => {
    const signature = await signatureOf(input, pair);
    for (let i = 0; i < signature.length; i++) {
      const altered = Uint8Array.from(signature);
      altered[i] = (altered[i] ?? 0) ^ (1 << (i % 8));
      expect(await reasonFor(input, altered)).toBe('signature_invalid');
    }
  });

  test.each([
    ['all zero bytes', (s: Uint8Array) => s.map(() => 0)],
    ['all bytes 255', (s: Uint8Array) => s.map(() => 255)],
    ['one byte short', (s: Uint8Array) => s.subarray(0, -1)],
    ['one byte short in front', (s: Uint8Array) => s.subarray(1)],
    ['one zero byte more', (s: Uint8Array) => concatBytes(s, Uint8Array.of(0))],
    ['one zero byte in front', (s: Uint8Array) => concatBytes(Uint8Array.of(0), s)],
    ['twice', (s: Uint8Array) => concatBytes(s, s)],
    ['one byte alone', (s: Uint8Array) => s.subarray(0, 1)],
    [
      'halves swapped',
      (s: Uint8Array) => concatBytes(s.subarray(s.length / 2), s.subarray(0, s.length / 2)),
    ],
    ['bytes reversed', (s: Uint8Array) => Uint8Array.from(s).reverse()],
  ])('refuses a signature with %s', async (_name, alter) => {
    const altered = alter(await signatureOf(input, pair));
    expect(await reasonFor(input, altered)).toBe('signature_invalid');
  });

  test('refuses the signature of other claims, of another header, and of the bare payload', async () => {
    const [header = '', payload = ''] = input.split('.');
    const others = [
      `${header}.${encodePart(claimsWith({ sub: 'other' }))}`,
      payload,
      `${input}.`,
      '',
    ];
    for (const other of others) {
      expect(await reasonFor(input, await signatureOf(other, pair))).toBe('signature_invalid');
    }
  });

  test('refuses the signatures of the other keys', async () => {
    for (const [, other] of PAIRS) {
      if (other === pair) continue;
      expect(await reasonFor(input, await signatureOf(input, other))).toBe('signature_invalid');
    }
  });
});

describe('Ed25519', () => {
  test('S + L, S + 2L … are the same scalar and are refused', async () => {
    const input = inputFor(ED);
    const signature = await signatureOf(input, ED);
    const s = fromBigEndian(signature.slice(32).reverse());
    for (let k = 1n; s + k * ED25519_L < 2n ** 256n && k < 16n; k++) {
      const raised = bigEndian(s + k * ED25519_L, 32).reverse();
      const altered = concatBytes(signature.subarray(0, 32), raised);
      expect(await reasonFor(input, altered)).toBe('signature_invalid');
    }
  });
});

describe('ES256', () => {
  const input = inputFor(ES);

  test('psychic signatures: r or s of 0, n and beyond are refused', async () => {
    const good = await signatureOf(input, ES);
    const [r, s] = [good.subarray(0, 32), good.subarray(32)];
    for (const value of [0n, P256_N, P256_N + 1n, 2n ** 256n - 1n]) {
      const bytes = bigEndian(value, 32);
      for (const pair of [
        concatBytes(bytes, s),
        concatBytes(r, bytes),
        concatBytes(bytes, bytes),
      ]) {
        expect(await reasonFor(input, pair)).toBe('signature_invalid');
      }
    }
  });

  test('DER is refused, although the two integers are right', async () => {
    const der = derOf(await signatureOf(input, ES));
    expect(der.length).toBeGreaterThan(66);
    expect(await reasonFor(input, der)).toBe('signature_invalid');
  });

  test('n − s verifies as s does: ECDSA has two signatures, so nothing may key on token text', async () => {
    const good = await signatureOf(input, ES);
    const mirrored = bigEndian(P256_N - fromBigEndian(good.subarray(32)), 32);
    expect(await reasonFor(input, concatBytes(good.subarray(0, 32), mirrored))).toBeUndefined();
  });
});

describe('RS256', () => {
  test('signature + modulus is the same residue and is refused', async () => {
    const input = inputFor(RS);
    const modulus = fromBigEndian(Uint8Array.from(Buffer.from(RS.publicJwk.n ?? '', 'base64url')));
    let hasFitted = false;
    for (let i = 0; i < 64 && !hasFitted; i++) {
      const payload = encodePart(claimsWith({ team: i }));
      const other = `${input.split('.')[0]}.${payload}`;
      const raised = fromBigEndian(await signatureOf(other, RS)) + modulus;
      hasFitted = raised < 2n ** 2048n;
      expect(await reasonFor(other, bigEndian(raised, hasFitted ? 256 : 257))).toBe(
        'signature_invalid',
      );
    }
    expect(hasFitted).toBe(true);
  });

  test('a PSS signature of the same key is refused', async () => {
    const jwk = await crypto.subtle.exportKey('jwk', RS.privateKey);
    const { alg: _alg, key_ops: _ops, ...bare } = jwk;
    const pss = { name: 'RSA-PSS', hash: 'SHA-256' };
    const key = await crypto.subtle.importKey('jwk', bare, pss, false, ['sign']);
    const input = inputFor(RS);
    const signature = await crypto.subtle.sign(
      { name: 'RSA-PSS', saltLength: 32 },
      key,
      Buffer.from(input),
    );
    expect(await reasonFor(input, new Uint8Array(signature))).toBe('signature_invalid');
  });

  test('a PKCS #1 signature over SHA-512 is refused', async () => {
    const jwk = await crypto.subtle.exportKey('jwk', RS.privateKey);
    const { alg: _alg, key_ops: _ops, ...bare } = jwk;
    const rs512 = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-512' };
    const key = await crypto.subtle.importKey('jwk', bare, rs512, false, ['sign']);
    const input = inputFor(RS);
    const signature = await crypto.subtle.sign(rs512, key, Buffer.from(input));
    expect(await reasonFor(input, new Uint8Array(signature))).toBe('signature_invalid');
  });
});

test('tokens that are verified at the same time do not get into each other’s way', async () => {
  const cases = await Promise.all(
    Array.from({ length: 60 }, async (_, i) => {
      const pair = [ED, ES, RS][i % 3] ?? ED;
      const input = `${inputFor(pair).split('.')[0]}.${encodePart(claimsWith({ n: i }))}`;
      const other = `${inputFor(pair).split('.')[0]}.${encodePart(claimsWith({ n: -i - 1 }))}`;
      return { input, signature: await signatureOf(i % 2 === 0 ? input : other, pair) };
    }),
  );
  const reasons = await Promise.all(
    cases.map(({ input, signature }) => reasonFor(input, signature)),
  );
  expect(reasons).toEqual(cases.map((_, i) => (i % 2 === 0 ? undefined : 'signature_invalid')));
});
