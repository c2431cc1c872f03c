/**
 * The text of an issued API key:
 *
 *     {prefix}_v1_{identifier}_{checksum}
 *
 *     prefix      1 to 16 of A–Z a–z 0–9 _
 *     identifier  base58 of 48 bytes: the key id (a version-4 UUID, 16 bytes) ‖ 32 random bytes
 *     checksum    base58 of the first 8 bytes of HMAC-SHA-256(checksum key, UTF-8 of everything before
 *                 the last underscore: "{prefix}_v1_{identifier}")
 *
 * The identifier has no underscore, so the text splits in one way only. The checksum is no proof of
 * authority: it turns garbage away before a database is read. The proof is the SHA-256 of the
 * random part, which the database holds.
 */

import { decodeBase58, encodeBase58 } from '../bytes/base58.ts';
import { concatBytes } from '../bytes/framing.ts';
import { encodeHex } from '../bytes/hex.ts';
import { encodeTransient } from '../bytes/utf8.ts';
import { formatUuid, isUuidV4Bytes, parseUuidV4 } from '../bytes/uuid.ts';
import type { ChecksumKey } from '../crypto/derive-key.ts';
import { sha256 } from '../crypto/digest.ts';
import { equalConstantTime } from '../crypto/equal-constant-time.ts';
import { hmacSha256 } from '../crypto/hmac.ts';
import { API_KEY_BYTES_MAX } from '../limits.ts';
import { accept, type Result, refuse } from '../result.ts';

const KEY_ID_BYTES = 16;
/** Random bytes of a key: what makes it a secret. */
export const SECRET_PART_BYTES = 32;
const CHECKSUM_BYTES = 8;

const PREFIX = /^[A-Za-z0-9_]{1,16}$/;

/** Longest base58 texts of 48 and of 8 bytes; checked before the quadratic decoding. */
const IDENTIFIER_LENGTH_MAX = 66;
const CHECKSUM_LENGTH_MAX = 11;

export interface ApiKeyParts {
  readonly prefix: string;
  /** Lowercase version-4 UUID. */
  readonly keyId: string;
  /** The 32 random bytes. Secret: never stored, never logged; {@link secretHashOf} is. */
  readonly secretPart: Uint8Array<ArrayBuffer>;
}

/** Well-formed, and nothing more is known: anybody can write one. */
export interface UnverifiedApiKey {
  readonly unverified: ApiKeyParts;
  readonly checksum: Uint8Array<ArrayBuffer>;
  /** What the checksum is computed over. */
  readonly checkedText: string;
}

declare const checked: unique symbol;

/** A key whose checksum is one of ours. Still unknown: whether it exists, is live, and is genuine. */
export type CheckedApiKey = ApiKeyParts & { readonly [checked]: true };

/** Whether keys can be issued under this prefix. */
export function isApiKeyPrefix(text: string): boolean {
  return PREFIX.test(text);
}

/** The text of a key. Throws a `TypeError` on parts that are no key: those are bugs, not input. */
export async function formatApiKey(
  key: ApiKeyParts & { readonly checksumKey: ChecksumKey },
): Promise<string> {
  const keyIdBytes = parseUuidV4(key.keyId);
  if (!isApiKeyPrefix(key.prefix)) throw new TypeError('prefix: 1 to 16 of A-Z a-z 0-9 _');
  if (keyIdBytes === undefined) throw new TypeError('keyId: a lowercase version-4 UUID');
  if (key.secretPart.length !== SECRET_PART_BYTES) throw new TypeError('secretPart: 32 bytes');
  const text = `${key.prefix}_v1_${encodeBase58(concatBytes(keyIdBytes, key.secretPart))}`;
  return `${text}_${encodeBase58(await checksumOf(key.checksumKey, text))}`;
}

/**
 * Reads the grammar above, without the checksum. Refuses with `api_key_malformed`. One text per key:
 * base58 has no second spelling, and the UUID is lowercase.
 */
export function parseApiKey(text: string): Result<UnverifiedApiKey> {
  if (text.length > API_KEY_BYTES_MAX) return refuse('api_key_malformed');
  const checksumStart = text.lastIndexOf('_') + 1;
  const checkedText = text.slice(0, Math.max(0, checksumStart - 1));
  const identifierStart = checkedText.lastIndexOf('_') + 1;
  const prefixEnd = identifierStart - '_v1_'.length;
  const prefix = text.slice(0, Math.max(0, prefixEnd));
  if (!isApiKeyPrefix(prefix) || !checkedText.startsWith('_v1_', prefixEnd)) {
    return refuse('api_key_malformed');
  }
  const checksum = decodeExactly(text.slice(checksumStart), CHECKSUM_SHAPE);
  if (checksum === undefined) return refuse('api_key_malformed');
  const identifier = decodeExactly(checkedText.slice(identifierStart), IDENTIFIER_SHAPE);
  if (identifier === undefined) return refuse('api_key_malformed');
  const keyIdBytes = identifier.subarray(0, KEY_ID_BYTES);
  if (!isUuidV4Bytes(keyIdBytes)) return refuse('api_key_malformed');
  const keyId = formatUuid(keyIdBytes);
  const secretPart = identifier.slice(KEY_ID_BYTES);
  return accept({ unverified: { prefix, keyId, secretPart }, checksum, checkedText });
}

export interface ApiKeyRules {
  /** Current first, then retired ones: all are tried. */
  readonly checksumKeys: readonly ChecksumKey[];
  /** The prefixes that keys are, or were, issued under. */
  readonly prefixes: readonly string[];
}

/**
 * What stands before the database: grammar, prefix and checksum. Refuses with `api_key_malformed`
 * whatever is wrong; whoever passes the grammar pays for every checksum key, hit or miss.
 */
export async function checkApiKey(
  text: string,
  rules: ApiKeyRules,
): Promise<Result<CheckedApiKey>> {
  const key = parseApiKey(text);
  if (!key.ok) return key;
  const { unverified, checksum, checkedText } = key.value;
  if (!rules.prefixes.includes(unverified.prefix)) return refuse('api_key_malformed');
  let matches = false;
  for (const checksumKey of rules.checksumKeys) {
    const isEqual = equalConstantTime(checksum, await checksumOf(checksumKey, checkedText));
    matches = isEqual || matches;
  }
  return matches ? accept(unverified as CheckedApiKey) : refuse('api_key_malformed');
}

/** What the database holds of a key: SHA-256 of its random part, lowercase hexadecimal. */
export async function secretHashOf(secretPart: Uint8Array<ArrayBuffer>): Promise<string> {
  return encodeHex(await sha256(secretPart));
}

async function checksumOf(key: ChecksumKey, text: string): Promise<Uint8Array> {
  return (await hmacSha256(key, encodeTransient(text))).subarray(0, CHECKSUM_BYTES);
}

interface Base58Shape {
  readonly bytes: number;
  readonly lengthMax: number;
}
const IDENTIFIER_SHAPE: Base58Shape = {
  bytes: KEY_ID_BYTES + SECRET_PART_BYTES,
  lengthMax: IDENTIFIER_LENGTH_MAX,
};
const CHECKSUM_SHAPE: Base58Shape = { bytes: CHECKSUM_BYTES, lengthMax: CHECKSUM_LENGTH_MAX };

/** The bytes, if `text` is base58 of exactly as many as `shape` says. */
function decodeExactly(text: string, shape: Base58Shape): Uint8Array<ArrayBuffer> | undefined {
  // One digit is at most one byte (a leading "1"), so a shorter text cannot have enough of them.
  if (text.length < shape.bytes || text.length > shape.lengthMax) return undefined;
  const bytes = decodeBase58(text);
  return bytes?.length === shape.bytes ? bytes : undefined;
}
