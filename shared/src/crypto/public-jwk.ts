/**
 * A public JWK (RFC 7517) of unknown origin, read member by member into key material that is known to
 * be sound. Only own members count, each is read once, and nothing of the foreign object is passed on.
 */

import { decodeBase64url } from '../bytes/base64url.ts';
import type { Refusal } from '../refusals.ts';
import { accept, type Result, refuse } from '../result.ts';
import { problemOfEd25519Point } from './ed25519-point.ts';
import { isP256Point } from './p256-point.ts';

/** Public key material by the algorithm it is bound to. Base64url texts are canonical. */
export type PublicKeyMaterial =
  | { readonly algorithm: 'EdDSA'; readonly point: Uint8Array<ArrayBuffer> }
  | { readonly algorithm: 'ES256'; readonly x: Uint8Array; readonly y: Uint8Array }
  | { readonly algorithm: 'RS256'; readonly modulus: string; readonly exponent: string };

/** Members that only private and symmetric keys have (RFC 7518 §6.2.2, §6.3.2, §6.4; RFC 8037 §2). */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'] as const;

const RSA_MODULUS_BITS_MIN = 2048; // RFC 7518 §3.3
const RSA_MODULUS_BITS_MAX = 8192; // Bounds the work of one verification.
/** Bytes of the largest public exponent: what every WebCrypto implementation takes. */
const RSA_EXPONENT_BYTES_MAX = 4;

/**
 * The material of an Ed25519, P-256 or RSA public key. Refuses with `verification_key_invalid`;
 * the evidence names the rule: private or symmetric keys, another `kty`, `crv`, `alg`, `use` or
 * `key_ops`, encodings that are not canonical, weak or impossible points, weak moduli.
 */
export function parsePublicJwk(jwk: unknown): Result<PublicKeyMaterial> {
  if (typeof jwk !== 'object' || jwk === null || Array.isArray(jwk))
    return invalid('not_an_object');
  for (const name of PRIVATE_MEMBERS) {
    // workerd exports public keys with every private member present and undefined.
    if (member(jwk, name) !== undefined) return invalid('private_member');
  }
  const use = member(jwk, 'use');
  if (use !== undefined && use !== 'sig') return invalid('use');
  const operations = member(jwk, 'key_ops');
  if (operations !== undefined && !allowsVerify(operations)) return invalid('key_ops');
  switch (member(jwk, 'kty')) {
    case 'OKP':
      return parseEd25519(jwk);
    case 'EC':
      return parseP256(jwk);
    case 'RSA':
      return parseRsa(jwk);
    default:
      return invalid('kty');
  }
}

/** RFC 8037 §2; RFC 9864 §2.2 for the newer name of the algorithm. */
function parseEd25519(jwk: object): Result<PublicKeyMaterial> {
  if (member(jwk, 'crv') !== 'Ed25519') return invalid('crv');
  if (!isOneOf(member(jwk, 'alg'), [undefined, 'EdDSA', 'Ed25519'])) return invalid('alg');
  const point = bytesOf(member(jwk, 'x'));
  if (point === undefined) return invalid('x');
  const problem = problemOfEd25519Point(point);
  return problem === undefined ? accept({ algorithm: 'EdDSA', point }) : invalid(`x_${problem}`);
}

/** RFC 7518 §6.2.1: coordinates have the full 32 bytes. */
function parseP256(jwk: object): Result<PublicKeyMaterial> {
  if (member(jwk, 'crv') !== 'P-256') return invalid('crv');
  if (!isOneOf(member(jwk, 'alg'), [undefined, 'ES256'])) return invalid('alg');
  const x = bytesOf(member(jwk, 'x'));
  const y = bytesOf(member(jwk, 'y'));
  if (x === undefined || y === undefined || !isP256Point(x, y)) return invalid('point');
  return accept({ algorithm: 'ES256', x, y });
}

/** RFC 7518 §6.3.1: Base64urlUInt, so no leading zero byte. */
function parseRsa(jwk: object): Result<PublicKeyMaterial> {
  if (!isOneOf(member(jwk, 'alg'), [undefined, 'RS256'])) return invalid('alg');
  const modulus = member(jwk, 'n');
  const exponent = member(jwk, 'e');
  if (typeof modulus !== 'string' || !isRsaModulus(bytesOf(modulus))) return invalid('n');
  if (typeof exponent !== 'string' || !isRsaExponent(bytesOf(exponent))) return invalid('e');
  return accept({ algorithm: 'RS256', modulus, exponent });
}

function isRsaModulus(bytes: Uint8Array | undefined): boolean {
  const first = bytes?.[0];
  if (bytes === undefined || first === undefined || first === 0) return false;
  const bits = bytes.length * 8 - (Math.clz32(first) - 24);
  const isOdd = ((bytes.at(-1) ?? 0) & 1) === 1;
  // Whole bytes only: WebCrypto implementations differ on other sizes, and nobody makes them.
  return bits >= RSA_MODULUS_BITS_MIN && bits <= RSA_MODULUS_BITS_MAX && bits % 8 === 0 && isOdd;
}

function isRsaExponent(bytes: Uint8Array | undefined): boolean {
  if (bytes === undefined || bytes.length === 0 || bytes.length > RSA_EXPONENT_BYTES_MAX)
    return false;
  const exponent = bytes.reduce((value, byte) => value * 256 + byte, 0);
  return bytes[0] !== 0 && exponent >= 3 && exponent % 2 === 1;
}

/** RFC 7517 §4.3: an array of distinct texts, among them what we want to do with the key. */
function allowsVerify(operations: unknown): boolean {
  return Array.isArray(operations) && operations.includes('verify');
}

function isOneOf(value: unknown, allowed: ReadonlyArray<string | undefined>): boolean {
  return allowed.some((candidate) => candidate === value);
}

function bytesOf(value: unknown): Uint8Array<ArrayBuffer> | undefined {
  return typeof value === 'string' && value.length <= BASE64URL_LENGTH_MAX
    ? decodeBase64url(value)
    : undefined;
}

/** The longest member that can be sound: a modulus of 8192 bits. */
const BASE64URL_LENGTH_MAX = Math.ceil((RSA_MODULUS_BITS_MAX / 8) * (4 / 3));

function member(jwk: object, name: string): unknown {
  return Object.hasOwn(jwk, name) ? Reflect.get(jwk, name) : undefined;
}

function invalid(rule: string): { readonly ok: false; readonly refusal: Refusal } {
  return refuse('verification_key_invalid', { rule });
}
