/**
 * The keyset object: every key that a live token may be verified by; public keys for JWTs, and keys
 * for macaroons, each sealed for one edge. Named and proved by its SHA-256, which the signed head pins.
 */

import { decodeUtf8, encodeUtf8 } from '../bytes/utf8.ts';
import { isUuidV4 } from '../bytes/uuid.ts';
import { importVerificationKey, type JwsAlgorithm } from '../crypto/verification-key.ts';
import { type JsonObject, type JsonValue, ownMember } from '../json/strict-json.ts';
import type { JwtVerificationKey } from '../jwt/verify.ts';
import { FEED_KEYSET_BYTES_MAX, KID_BYTES_MAX } from '../limits.ts';
import { accept, type Result } from '../result.ts';
import { type UnixSeconds, unixSeconds } from '../time.ts';
import { arrayMember, asObject, integerMember, parseJsonObject, textMember } from './feed-json.ts';
import { refuseFeed } from './feed-rule.ts';
import { FEED_FORMAT_VERSION } from './head.ts';
import { objectHash } from './object-hash.ts';
import { type ScopeId, scopeIdOfSigningKey } from './scope-id.ts';
import { encodeSealedKey, parseSealedKey, type SealedMacaroonKey } from './sealed-key.ts';

const STATES = ['pending', 'active', 'retiring'] as const;

/**
 * Where a key stands in its life. For operators: what a key verifies is decided by its not-before and
 * not-after alone, because an edge learns of a change of state up to one bound late.
 */
export type KeyState = (typeof STATES)[number];

/** Public members of a JWK (RFC 7517 §4). Others, private ones above all, are never written. */
export interface PublicJwk {
  readonly kty?: string;
  readonly crv?: string;
  readonly x?: string;
  readonly y?: string;
  readonly n?: string;
  readonly e?: string;
}

/** A key as the publisher hands it over. */
export interface KeysetKey {
  readonly tenantId: string;
  readonly issuer: string;
  readonly audience: string;
  readonly algorithm: JwsAlgorithm;
  readonly kid: string;
  readonly state: KeyState;
  /** The key verifies tokens from this second … */
  readonly notBeforeSeconds: UnixSeconds;
  /** … and before this one. */
  readonly notAfterSeconds: UnixSeconds;
  readonly jwk: PublicJwk;
}

/** A key as the edge uses it: checked, imported, with the scope id under which it can be revoked. */
export interface FeedVerificationKey extends JwtVerificationKey {
  readonly state: KeyState;
  readonly scopeId: ScopeId;
}

/** Keys by `kid`. */
export type JwtKeys = ReadonlyMap<string, FeedVerificationKey>;

export interface Keyset {
  readonly jwtKeys: JwtKeys;
  /** Of every edge, unopened. */
  readonly sealedKeys: readonly SealedMacaroonKey[];
}

/** The members that make a public key of each type, in the order in which they are written. */
const PUBLIC_MEMBERS = {
  OKP: ['kty', 'crv', 'x'],
  EC: ['kty', 'crv', 'x', 'y'],
  RSA: ['kty', 'n', 'e'],
} as const;

/** The same bytes for the same sets of keys, in whatever order they come. */
export function encodeKeyset(
  keys: readonly KeysetKey[],
  sealedKeys: readonly SealedMacaroonKey[] = [],
): Uint8Array<ArrayBuffer> {
  const sorted = [...keys].sort((a, b) => (a.kid < b.kid ? -1 : 1));
  const sealed = sealedKeys.map(encodeSealedKey).sort(bySealedKey);
  const document = { v: FEED_FORMAT_VERSION, keys: sorted.map(encodeKey), sealed };
  return encodeUtf8(JSON.stringify(document));
}

/**
 * Reads a keyset whose hash is `expectedHash`; refuses with `feed_invalid`. One bad key, sealed ones
 * included, refuses all of them: a publisher that writes one is broken, and the edge still has the
 * keyset before it. Boxes are not opened here: see `sealed-key`.
 */
export async function parseKeyset(
  bytes: Uint8Array<ArrayBuffer>,
  expectedHash: string,
): Promise<Result<Keyset>> {
  if (bytes.length > FEED_KEYSET_BYTES_MAX) return refuseFeed('keyset_too_large');
  if ((await objectHash(bytes)) !== expectedHash) return refuseFeed('keyset_hash');
  const json = decodeUtf8(bytes);
  const document = json === undefined ? undefined : parseJsonObject(json);
  if (document === undefined) return refuseFeed('keyset_payload');
  if (ownMember(document, 'v') !== FEED_FORMAT_VERSION) return refuseFeed('keyset_version');
  const keyItems = arrayMember(document, 'keys');
  const sealedItems = arrayMember(document, 'sealed');
  if (keyItems === undefined || sealedItems === undefined) return refuseFeed('keyset_payload');
  const jwtKeys = await importKeys(keyItems);
  if (jwtKeys === undefined) return refuseFeed('keyset_key');
  const sealedKeys = parseSealedKeys(sealedItems);
  if (sealedKeys === undefined) return refuseFeed('keyset_sealed_key');
  return accept({ jwtKeys, sealedKeys });
}

/**
 * The not-after of each JWT key of a keyset that {@link encodeKeyset} made: for its publisher, who keeps
 * the text. Throws `TypeError` if it is another text.
 */
export function notAfterOfKeys(text: string): ReadonlyMap<string, UnixSeconds> {
  const document = parseJsonObject(text);
  const items = document === undefined ? undefined : arrayMember(document, 'keys');
  if (items === undefined) throw new TypeError('That is no keyset.');
  return new Map(
    items.map((item) => {
      const binding = parseBinding(asObject(item) ?? {});
      if (binding === undefined) throw new TypeError('That is no keyset.');
      return [binding.kid, binding.notAfterSeconds];
    }),
  );
}

async function importKeys(items: readonly JsonValue[]): Promise<JwtKeys | undefined> {
  const keys = new Map<string, FeedVerificationKey>();
  for (const item of items) {
    const key = await importKey(item);
    if (key === undefined || keys.has(key.kid)) return undefined;
    keys.set(key.kid, key);
  }
  return keys;
}

/** A kid may come once for each edge and each of its secrets, but no item twice. */
function parseSealedKeys(items: readonly JsonValue[]): readonly SealedMacaroonKey[] | undefined {
  const keys: SealedMacaroonKey[] = [];
  const seen = new Set<string>();
  for (const item of items) {
    const key = parseSealedKey(item);
    if (key === undefined) return undefined;
    const text = JSON.stringify(encodeSealedKey(key));
    if (seen.has(text)) return undefined;
    seen.add(text);
    keys.push(key);
  }
  return keys;
}

type SealedItem = ReturnType<typeof encodeSealedKey>;

function bySealedKey(a: SealedItem, b: SealedItem): number {
  for (const name of ['edge', 'kid', 'box'] as const) {
    if (a[name] !== b[name]) return a[name] < b[name] ? -1 : 1;
  }
  return 0;
}

function encodeKey(key: KeysetKey) {
  return {
    nid: key.tenantId,
    iss: key.issuer,
    aud: key.audience,
    alg: key.algorithm,
    kid: key.kid,
    state: key.state,
    nbf: key.notBeforeSeconds,
    exp: key.notAfterSeconds,
    jwk: publicMembersOf(key.jwk),
  };
}

function publicMembersOf(jwk: PublicJwk): Record<string, string> {
  const names = publicMemberNames(jwk.kty);
  if (names === undefined) throw new TypeError('a key of the keyset is of an unknown type');
  const members: Record<string, string> = {};
  for (const name of names) {
    const value = jwk[name];
    if (typeof value !== 'string') throw new TypeError(`a key of the keyset lacks "${name}"`);
    members[name] = value;
  }
  return members;
}

function publicMemberNames(kty: string | undefined): ReadonlyArray<keyof PublicJwk> | undefined {
  if (kty === undefined || !Object.hasOwn(PUBLIC_MEMBERS, kty)) return undefined;
  return PUBLIC_MEMBERS[kty as keyof typeof PUBLIC_MEMBERS];
}

async function importKey(item: JsonValue): Promise<FeedVerificationKey | undefined> {
  const object = asObject(item);
  const binding = object === undefined ? undefined : parseBinding(object);
  if (object === undefined || binding === undefined) return undefined;
  const imported = await importVerificationKey(ownMember(object, 'jwk'));
  if (!imported.ok || imported.value.algorithm !== textMember(object, 'alg')) return undefined;
  const { algorithm, key } = imported.value;
  return { ...binding, algorithm, key, scopeId: await scopeIdOfSigningKey(binding.kid) };
}

type KeyBinding = Omit<FeedVerificationKey, 'algorithm' | 'key' | 'scopeId'>;

function parseBinding(object: JsonObject): KeyBinding | undefined {
  const tenantId = textMember(object, 'nid');
  const issuer = textMember(object, 'iss');
  const audience = textMember(object, 'aud');
  const kid = textMember(object, 'kid');
  const state = STATES.find((name) => name === ownMember(object, 'state'));
  const notBefore = integerMember(object, 'nbf');
  const notAfter = integerMember(object, 'exp');
  if (tenantId === undefined || !isUuidV4(tenantId)) return undefined;
  if (!issuer || !audience || !kid || kid.length > KID_BYTES_MAX) return undefined;
  if (state === undefined || notBefore === undefined || notAfter === undefined) return undefined;
  if (notAfter <= notBefore) return undefined;
  return {
    ...{ tenantId, issuer, audience, kid, state },
    notBeforeSeconds: unixSeconds(notBefore),
    notAfterSeconds: unixSeconds(notAfter),
  };
}
