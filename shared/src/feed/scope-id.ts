/**
 * The 64-bit ids by which the feed names what is revoked (`docs/feed.md`). They are cut from random
 * identifiers or keyed hashes, so that whoever reads KV learns nothing that names anybody.
 */

import { frame } from '../bytes/framing.ts';
import { decodeHex } from '../bytes/hex.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';
import { isUuidV4 } from '../bytes/uuid.ts';
import { sha256 } from '../crypto/digest.ts';
import { hmacSha256 } from '../crypto/hmac.ts';

/** Eight bytes, big-endian, as two unsigned 32-bit numbers: comparable without BigInt. */
export interface ScopeId {
  readonly high: number;
  readonly low: number;
}

/** Stands for "every token of this environment". */
export const EVERYTHING: ScopeId = { high: 0, low: 0 };

const IMPORTED_KEY_ID = /^[0-9a-f]{64}$/;

/**
 * Scope id of a token (`jti`), an issued key or a tenant; `undefined` if it is no v4 UUID. The fully random
 * bytes 0 to 5, 7 and 9: without those that hold version and variant.
 */
export function scopeIdOfUuid(uuid: string): ScopeId | undefined {
  if (!isUuidV4(uuid)) return undefined;
  const high = uuid.slice(0, 8);
  const low = uuid.slice(9, 13) + uuid.slice(16, 18) + uuid.slice(21, 23);
  return { high: Number.parseInt(high, 16), low: Number.parseInt(low, 16) };
}

/** Scope id of a key: issued (a UUID) or imported (64 hexadecimal digits). */
export function scopeIdOfKey(keyId: string): ScopeId | undefined {
  return IMPORTED_KEY_ID.test(keyId) ? parseScopeId(keyId.slice(0, 16)) : scopeIdOfUuid(keyId);
}

/** Scope id of a signing key: first 8 bytes of SHA-256 of its `kid`. */
export async function scopeIdOfSigningKey(kid: string): Promise<ScopeId> {
  return readScopeId(await sha256(encodeUtf8(kid)));
}

/** Scope id of an actor: first 8 bytes of HMAC(salt, framed tenant and actor). */
export async function scopeIdOfActor(
  salt: CryptoKey,
  { tenantId, actor }: { readonly tenantId: string; readonly actor: string },
): Promise<ScopeId> {
  return readScopeId(await hmacSha256(salt, frame(tenantId, actor)));
}

/** 16 lowercase hexadecimal digits: how a scope id is written in claims and in databases. */
export function formatScopeId({ high, low }: ScopeId): string {
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
}

export function parseScopeId(text: string): ScopeId | undefined {
  const bytes = text.length === 16 ? decodeHex(text) : undefined;
  return bytes === undefined ? undefined : readScopeId(bytes);
}

function readScopeId(bytes: Uint8Array): ScopeId {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { high: view.getUint32(0), low: view.getUint32(4) };
}
