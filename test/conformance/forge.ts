/**
 * Makes tokens that no library would make: every part can be given as a value, as raw text or as raw
 * bytes, and is signed by a real key of ours afterwards. So a refusal is about the one thing that a
 * test changed, never about a signature that was broken on the way.
 */

import { encodeBase64url } from '@cardea/shared/bytes/base64url';
import { concatBytes } from '@cardea/shared/bytes/framing';
import { encodeUtf8 } from '@cardea/shared/bytes/utf8';
import { importVerificationKey, type JwsAlgorithm } from '@cardea/shared/crypto/verification-key';
import type { JwtPolicy, JwtVerificationKey } from '@cardea/shared/jwt/verify';
import { unixSeconds } from '@cardea/shared/time';

export const NOW = unixSeconds(1_790_000_000);

export const POLICY: JwtPolicy = {
  issuer: 'https://issuer.example',
  audience: 'https://api.example',
  tenantId: '7d0c5e1b-93a4-4f68-8a52-c1e6b7f20d39',
  lifetimeSecondsMax: 3600,
  clockSkewSeconds: 60,
};

export type Json = Readonly<Record<string, unknown>>;
/** A JSON value to be written as usual, or the exact text or bytes to sign. */
export type Part = Json | { readonly raw: string } | { readonly bytes: Uint8Array };

export const HEADER = { alg: 'EdDSA', kid: 'ed', typ: 'JWT' } as const;

export const CLAIMS = {
  jti: '3f8e5d0a-8c51-4b7e-9d12-6a0f4c2b7e91',
  sub: 'b1a7c9de-2f34-4c56-a789-0123456789ab',
  iss: POLICY.issuer,
  aud: POLICY.audience,
  nid: POLICY.tenantId,
  iat: NOW - 10,
  nbf: NOW - 10,
  exp: NOW + 600,
  scp: ['orders:read'],
} as const;

interface SigningPair {
  readonly algorithm: JwsAlgorithm;
  readonly privateKey: CryptoKey;
  readonly publicJwk: JsonWebKey;
  readonly verificationKey: JwtVerificationKey;
}

const GENERATE = {
  EdDSA: { name: 'Ed25519' },
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
  RS256: {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-256',
    modulusLength: 2048,
    publicExponent: Uint8Array.of(1, 0, 1),
  },
} as const;

const SIGN = {
  EdDSA: { name: 'Ed25519' },
  ES256: { name: 'ECDSA', hash: 'SHA-256' },
  RS256: { name: 'RSASSA-PKCS1-v1_5' },
} as const;

/** A new pair whose public half is bound to {@link POLICY} and live around {@link NOW}. */
export async function newPair(algorithm: JwsAlgorithm, kid: string): Promise<SigningPair> {
  const pair = (await crypto.subtle.generateKey(GENERATE[algorithm], true, [
    'sign',
    'verify',
  ])) as CryptoKeyPair;
  const publicJwk = await crypto.subtle.exportKey('jwk', pair.publicKey);
  const imported = await importVerificationKey(publicJwk);
  if (!imported.ok) throw new Error('a fresh key was refused');
  const verificationKey = { ...imported.value, ...bindingOf(kid) };
  return { algorithm, privateKey: pair.privateKey, publicJwk, verificationKey };
}

function bindingOf(kid: string): Omit<JwtVerificationKey, 'algorithm' | 'key'> {
  const { tenantId, issuer, audience } = POLICY;
  const notBeforeSeconds = unixSeconds(NOW - 86_400);
  return {
    kid,
    tenantId,
    issuer,
    audience,
    notBeforeSeconds,
    notAfterSeconds: unixSeconds(NOW + 86_400),
  };
}

export const ED = await newPair('EdDSA', 'ed');
export const ES = await newPair('ES256', 'es');
export const RS = await newPair('RS256', 'rs');

/** What the verifier trusts, as a map and as a JWK Set. */
export const KEYS: ReadonlyMap<string, JwtVerificationKey> = new Map(
  [ED, ES, RS].map(({ verificationKey }) => [verificationKey.kid, verificationKey]),
);
export const JWKS = {
  keys: [ED, ES, RS].map(({ publicJwk, algorithm, verificationKey }) => ({
    ...publicJwk,
    kid: verificationKey.kid,
    alg: algorithm,
    use: 'sig',
  })),
};

export const VERIFICATION = { keys: KEYS, policy: POLICY, nowSeconds: NOW };

export interface Forgery {
  readonly header?: Part;
  readonly payload?: Part;
  readonly pair?: SigningPair;
}

/** `header.payload.signature` over exactly the given parts. */
export async function forge({ header = HEADER, payload = CLAIMS, pair = ED }: Forgery = {}) {
  return signText(`${encodePart(header)}.${encodePart(payload)}`, pair);
}

/** Appends the signature of `pair` to any signing input. */
export async function signText(signingInput: string, pair = ED): Promise<string> {
  return `${signingInput}.${encodeBase64url(await signatureOf(signingInput, pair))}`;
}

export async function signatureOf(
  text: string,
  pair: SigningPair,
): Promise<Uint8Array<ArrayBuffer>> {
  const { algorithm, privateKey } = pair;
  return new Uint8Array(await crypto.subtle.sign(SIGN[algorithm], privateKey, encodeUtf8(text)));
}

/** The default header with some members changed; `undefined` leaves one out. */
export function headerWith(changes: Json): Json {
  return { ...HEADER, ...changes };
}

export function claimsWith(changes: Json): Json {
  return { ...CLAIMS, ...changes };
}

/** The claims as text with one member written by hand: numbers and names JSON.stringify cannot write. */
export function claimsText(name: string, rawValue: string): { readonly raw: string } {
  const rest = JSON.stringify(claimsWith({ [name]: undefined }));
  return { raw: `${rest.slice(0, -1)},"${name}":${rawValue}}` };
}

export function encodePart(part: Part): string {
  if ('bytes' in part && part.bytes instanceof Uint8Array) return encodeBase64url(part.bytes);
  const text = 'raw' in part && typeof part.raw === 'string' ? part.raw : JSON.stringify(part);
  return encodeBase64url(encodeUtf8(text));
}

/** A token that is right in every way, cut at the dots. */
export async function validParts(): Promise<readonly [string, string, string]> {
  const [header = '', payload = '', signature = ''] = (await forge()).split('.');
  return [header, payload, signature];
}

/** Flips the lowest bit of the last character's value: it only holds bits that no byte uses. */
export function withAlteredTrailingBits(part: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const last = alphabet.indexOf(part.slice(-1));
  return part.slice(0, -1) + alphabet.charAt(last ^ 1);
}

/** An HMAC-SHA-256 "signature" under bytes that everybody knows (RFC 8725 §2.1). */
export async function hmacToken(header: Json, secret: Uint8Array<ArrayBuffer>): Promise<string> {
  const hmac = { name: 'HMAC', hash: 'SHA-256' };
  const key = await crypto.subtle.importKey('raw', secret, hmac, false, ['sign']);
  const input = `${encodePart(header)}.${encodePart(CLAIMS)}`;
  const signature = await crypto.subtle.sign('HMAC', key, encodeUtf8(input));
  return `${input}.${encodeBase64url(new Uint8Array(signature))}`;
}

/** `r ‖ s` as DER (RFC 3279 §2.2.3), as most libraries outside of JOSE write it. */
export function derOf(signature: Uint8Array): Uint8Array {
  const integer = (bytes: Uint8Array): Uint8Array => {
    let start = 0;
    while (start < bytes.length - 1 && bytes[start] === 0) start++;
    const digits = bytes.subarray(start);
    const padding = (digits[0] ?? 0) >= 0x80 ? [0] : [];
    return Uint8Array.of(2, digits.length + padding.length, ...padding, ...digits);
  };
  const body = concatBytes(integer(signature.subarray(0, 32)), integer(signature.subarray(32)));
  return Uint8Array.of(0x30, body.length, ...body);
}
