/**
 * Guarantee: no symmetric, private, weak, malformed or ambiguous key becomes a verification key. The
 * points of small order have a file of their own, `test/conformance/ed25519.test.ts`.
 */

import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { decodeBase64url, encodeBase64url } from '../bytes/base64url.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';
import { importVerificationKey, verifySignature } from './verification-key.ts';

type Jwk = Readonly<Record<string, unknown>>;

function pair(
  kind: 'ed25519' | 'ec' | 'rsa',
  options: object = {},
): { privateJwk: Jwk; publicJwk: Jwk } {
  const make = generateKeyPairSync as (
    kind: string,
    options: object,
  ) => ReturnType<typeof generateKeyPairSync>;
  const { publicKey, privateKey } = make(kind, options);
  const jwkOf = (key: { export(options: object): unknown }) => key.export({ format: 'jwk' }) as Jwk;
  return {
    publicJwk: jwkOf(publicKey as never),
    privateJwk: jwkOf(privateKey as never),
  };
}

const ED = pair('ed25519');
const EC = pair('ec', { namedCurve: 'P-256' });
const RSA = pair('rsa', { modulusLength: 2048 });

async function ruleOf(jwk: unknown): Promise<unknown> {
  const outcome = await importVerificationKey(jwk);
  if (outcome.ok) return 'accepted';
  expect(outcome.refusal.reason).toBe('verification_key_invalid');
  return outcome.refusal.evidence?.rule;
}

const b64 = (bytes: readonly number[] | Uint8Array) => encodeBase64url(Uint8Array.from(bytes));
const bytesOf = (text: unknown) => decodeBase64url(String(text)) ?? new Uint8Array();

describe('positive controls', () => {
  test.each([
    ['Ed25519', ED.publicJwk, 'EdDSA'],
    ['Ed25519 with alg EdDSA', { ...ED.publicJwk, alg: 'EdDSA' }, 'EdDSA'],
    ['Ed25519 with alg Ed25519 (RFC 9864)', { ...ED.publicJwk, alg: 'Ed25519' }, 'EdDSA'],
    ['P-256', EC.publicJwk, 'ES256'],
    ['P-256 with alg and use', { ...EC.publicJwk, alg: 'ES256', use: 'sig' }, 'ES256'],
    ['RSA', RSA.publicJwk, 'RS256'],
    [
      'RSA with everything',
      { ...RSA.publicJwk, alg: 'RS256', use: 'sig', key_ops: ['verify'] },
      'RS256',
    ],
    ['unknown members and kid', { ...ED.publicJwk, kid: 7, x5c: [], note: null }, 'EdDSA'],
    [
      'private members that are undefined, as workerd exports',
      { ...EC.publicJwk, d: undefined },
      'ES256',
    ],
    ['a null prototype', Object.assign(Object.create(null), ED.publicJwk), 'EdDSA'],
  ])('%s', async (_, jwk, algorithm) => {
    expect(await importVerificationKey(jwk)).toMatchObject({ ok: true, value: { algorithm } });
  });

  test.each([2048, 3072, 4096, 8192])('RSA of %i bits', async (bits) => {
    // Any odd number of the size: no import factors it.
    const n = encodeBase64url(new Uint8Array(bits / 8).fill(255));
    expect(await ruleOf({ kty: 'RSA', n, e: 'AQAB' })).toBe('accepted');
  });

  test('an imported key verifies, and can do nothing else', async () => {
    const key = await crypto.subtle.importKey('jwk', ED.privateJwk, 'Ed25519', false, ['sign']);
    const message = encodeUtf8('message');
    const signature = new Uint8Array(await crypto.subtle.sign('Ed25519', key, message));
    const imported = await importVerificationKey(ED.publicJwk);
    if (!imported.ok) throw new Error('refused');
    expect(imported.value.key.usages).toEqual(['verify']);
    expect(await verifySignature(imported.value, signature, message)).toBe(true);
    expect(await verifySignature(imported.value, signature, encodeUtf8('massage'))).toBe(false);
    expect(await verifySignature(imported.value, signature.slice(0, 63), message)).toBe(false);
  });
});

describe('what is no public signature key', () => {
  test.each([
    ['undefined', undefined],
    ['null', null],
    ['a text', JSON.stringify(ED.publicJwk)],
    ['a number', 5],
    ['an array', [ED.publicJwk]],
  ])('refuses %s', async (_, jwk) => {
    expect(await ruleOf(jwk)).toBe('not_an_object');
  });

  test('refuses private keys of every kind, and each private member alone', async () => {
    for (const { privateJwk, publicJwk } of [ED, EC, RSA]) {
      expect(await ruleOf(privateJwk)).toBe('private_member');
      for (const name of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']) {
        for (const value of ['AA', '', null, 0, false]) {
          expect(await ruleOf({ ...publicJwk, [name]: value })).toBe('private_member');
        }
      }
    }
  });

  test('refuses symmetric keys, also under a public name', async () => {
    expect(await ruleOf({ kty: 'oct', k: b64(new Uint8Array(32)) })).toBe('private_member');
    expect(await ruleOf({ kty: 'oct', alg: 'HS256' })).toBe('kty');
    expect(await ruleOf({ ...RSA.publicJwk, alg: 'HS256' })).toBe('alg');
    expect(await ruleOf({ ...ED.publicJwk, alg: 'HS256' })).toBe('alg');
  });

  test.each([undefined, null, '', 'okp', 'ED', 'EC ', 'rsa', 'AKP', 'LMS', 5, ['OKP'], {}])(
    'refuses kty %j',
    async (kty) => {
      expect(await ruleOf({ ...ED.publicJwk, kty })).toBe('kty');
    },
  );

  test.each(['enc', '', 'SIG', 'sig ', null, 0, ['sig']])('refuses use %j', async (use) => {
    for (const { publicJwk } of [ED, EC, RSA])
      expect(await ruleOf({ ...publicJwk, use })).toBe('use');
  });

  test.each([[[]], [['sign']], [['encrypt']], ['verify'], [null], [{}]])(
    'refuses key_ops %j',
    async (operations) => {
      expect(await ruleOf({ ...ED.publicJwk, key_ops: operations })).toBe('key_ops');
    },
  );

  test('a prototype lends nothing', async () => {
    expect(await ruleOf(Object.create(ED.publicJwk))).toBe('kty');
    const { x: _x, ...withoutX } = ED.publicJwk;
    expect(await ruleOf(Object.assign(Object.create({ x: ED.publicJwk.x }), withoutX))).toBe('x');
    const parsed = JSON.parse(`{"__proto__":${JSON.stringify(ED.publicJwk)}}`);
    expect(await ruleOf(parsed)).toBe('kty');
  });

  test('each member is read once: a second answer changes nothing', async () => {
    let reads = 0;
    const jwk = {
      ...ED.publicJwk,
      get x() {
        reads++;
        return reads === 1 ? ED.publicJwk.x : b64(new Uint8Array(32));
      },
    };
    expect(await ruleOf(jwk)).toBe('accepted');
    expect(reads).toBe(1);
  });
});

describe('the algorithm of another key', () => {
  test.each([
    [ED.publicJwk, ['ES256', 'RS256', 'none', 'eddsa', 'ed25519', 'Ed448', '', null, 5, ['EdDSA']]],
    [EC.publicJwk, ['ES384', 'ES256K', 'EdDSA', 'RS256', 'ECDH-ES', 'es256', null]],
    [RSA.publicJwk, ['RS384', 'RS512', 'PS256', 'RSA-OAEP', 'RS1', 'ES256', 'none', null]],
  ])('%j', async (jwk, algorithms) => {
    for (const alg of algorithms) expect(await ruleOf({ ...jwk, alg })).toBe('alg');
  });

  test.each(['Ed448', 'X25519', 'ed25519', 'P-256', '', null, undefined])(
    'OKP refuses crv %j',
    async (crv) => {
      expect(await ruleOf({ ...ED.publicJwk, crv })).toBe('crv');
    },
  );

  test.each(['P-384', 'P-521', 'secp256k1', 'p-256', 'Ed25519', '', null, undefined])(
    'EC refuses crv %j',
    async (crv) => {
      expect(await ruleOf({ ...EC.publicJwk, crv })).toBe('crv');
    },
  );

  test('a real key of another curve is refused', async () => {
    expect(await ruleOf(pair('ec', { namedCurve: 'P-384' }).publicJwk)).toBe('crv');
    expect(await ruleOf(pair('ec', { namedCurve: 'secp256k1' }).publicJwk)).toBe('crv');
  });
});

describe('encodings', () => {
  const x = String(ED.publicJwk.x);
  test.each([
    ['missing', undefined],
    ['null', null],
    ['a number', 5],
    ['padded', `${x}=`],
    ['with a newline', `${x}\n`],
    ['with the other alphabet', `+${x.slice(1)}`],
    ['with trailing bits', `${x.slice(0, -1)}${x.endsWith('B') ? 'C' : 'B'}`],
    ['a length that no bytes have', `${x}AA`],
  ])('Ed25519 refuses x that is %s', async (_, value) => {
    expect(await ruleOf({ ...ED.publicJwk, x: value })).toBe('x');
  });

  test.each([
    ['empty', []],
    ['31 bytes', [...bytesOf(x)].slice(1)],
    ['33 bytes', [0, ...bytesOf(x)]],
    ['an SPKI', [...Buffer.from('302a300506032b6570032100', 'hex'), ...bytesOf(x)]],
  ])('Ed25519 refuses x of %s', async (_, bytes) => {
    expect(await ruleOf({ ...ED.publicJwk, x: b64(bytes) })).toBe('x_length');
  });
});

describe('points of P-256', () => {
  const P = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn;
  const x = bytesOf(EC.publicJwk.x);
  const y = bytesOf(EC.publicJwk.y);
  const bigEndian = (value: bigint) =>
    Uint8Array.from(Buffer.from(value.toString(16).padStart(64, '0'), 'hex'));
  const integer = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).toString('hex')}`);

  test('−P, the mirrored point, is another good key', async () => {
    expect(await ruleOf({ ...EC.publicJwk, y: b64(bigEndian(P - integer(y))) })).toBe('accepted');
  });

  test.each([
    ['swapped coordinates', { x: b64(y), y: b64(x) }],
    ['y plus one', { y: b64(bigEndian(integer(y) ^ 1n)) }],
    ['the origin', { x: b64(new Uint8Array(32)), y: b64(new Uint8Array(32)) }],
    ['x of 31 bytes', { x: b64(x.subarray(1)) }],
    ['x with a zero in front', { x: b64([0, ...x]) }],
    ['y of 33 bytes', { y: b64([...y, 0]) }],
    ['no y', { y: undefined }],
    ['y as a number', { y: 5 }],
    ['y padded', { y: `${b64(y)}=` }],
    ['an uncompressed point as x', { x: b64([4, ...x, ...y]) }],
    ['x = p', { x: b64(bigEndian(P)) }],
    [
      'coordinates of all ones',
      { x: b64(new Uint8Array(32).fill(255)), y: b64(new Uint8Array(32).fill(255)) },
    ],
  ])('refuses %s', async (_, changes) => {
    expect(await ruleOf({ ...EC.publicJwk, ...changes })).toBe('point');
  });

  test('a small x has a second spelling, x + p, which is refused', async () => {
    // x = 5 lies on the curve; x + p still fits into 32 bytes.
    const right =
      5n ** 3n - 15n + 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;
    let root = 1n;
    for (let base = right % P, e = (P + 1n) / 4n; e > 0n; e >>= 1n, base = (base * base) % P) {
      if (e & 1n) root = (root * base) % P;
    }
    expect((root * root) % P).toBe(right % P);
    const jwk = { kty: 'EC', crv: 'P-256', x: b64(bigEndian(5n)), y: b64(bigEndian(root)) };
    expect(await ruleOf(jwk)).toBe('accepted');
    expect(await ruleOf({ ...jwk, x: b64(bigEndian(5n + P)) })).toBe('point');
  });
});

describe('RSA', () => {
  const modulus = bytesOf(RSA.publicJwk.n);

  test('refuses 1024 bits, and 2047', async () => {
    expect(await ruleOf(pair('rsa', { modulusLength: 1024 }).publicJwk)).toBe('n');
    const shorter = Uint8Array.from(modulus);
    shorter[0] = (shorter[0] ?? 0) & 0x7f;
    expect(await ruleOf({ ...RSA.publicJwk, n: b64(shorter) })).toBe('n');
  });

  test.each([
    ['missing', undefined],
    ['a number', 65537],
    ['empty', ''],
    ['with a zero in front (RFC 7518 §6.3.1.1)', b64([0, ...modulus])],
    ['even', b64([...modulus.subarray(0, -1), 2])],
    ['zero', b64(new Uint8Array(256))],
    ['8200 bits', b64(new Uint8Array(1025).fill(255))],
    ['a megabyte', 'A'.repeat(1_000_000)],
    ['padded', `${b64(modulus)}=`],
  ])('refuses n that is %s', async (_, n) => {
    expect(await ruleOf({ ...RSA.publicJwk, n })).toBe('n');
  });

  test.each([
    ['missing', undefined],
    ['a number', 65537],
    ['empty', ''],
    ['zero', b64([0])],
    ['one', b64([1])],
    ['two', b64([2])],
    ['even', b64([1, 0, 0])],
    ['with a zero in front', b64([0, 1, 0, 1])],
    ['longer than four bytes', b64([1, 0, 0, 0, 1])],
    ['as long as the modulus', b64(modulus)],
  ])('refuses e that is %s', async (_, e) => {
    expect(await ruleOf({ ...RSA.publicJwk, e })).toBe('e');
  });

  test('e = 3 and e = 65537 are accepted', async () => {
    expect(RSA.publicJwk.e).toBe('AQAB');
    expect(await ruleOf(pair('rsa', { modulusLength: 2048, publicExponent: 3 }).publicJwk)).toBe(
      'accepted',
    );
  });

  test('the signature has exactly the length of the modulus', async () => {
    const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
    const key = await crypto.subtle.importKey('jwk', RSA.privateJwk, algorithm, false, ['sign']);
    const message = encodeUtf8('message');
    const signature = new Uint8Array(await crypto.subtle.sign(algorithm, key, message));
    const imported = await importVerificationKey(RSA.publicJwk);
    if (!imported.ok) throw new Error('refused');
    expect(await verifySignature(imported.value, signature, message)).toBe(true);
    expect(await verifySignature(imported.value, Uint8Array.of(0, ...signature), message)).toBe(
      false,
    );
    expect(await verifySignature(imported.value, signature.slice(0, -1), message)).toBe(false);
  });
});
