/**
 * Keys derived from the master secret by HKDF-SHA-256 (RFC 5869), one label per purpose.
 * The labels are a format: never change one, add another.
 */

import { encodeUtf8 } from '../bytes/utf8.ts';
import { importHmacKey } from './hmac.ts';

declare const purpose: unique symbol;

/** Signs the checksum of issued API keys. */
export type ChecksumKey = CryptoKey & { readonly [purpose]: 'api-key-checksum' };
/** Seals private keys and other stored secrets (the key-encryption key). */
export type KeyEncryptionKey = CryptoKey & { readonly [purpose]: 'key-encryption' };
/** Seals page tokens. */
export type PageTokenKey = CryptoKey & { readonly [purpose]: 'page-token' };

const LABELS = {
  checksum: 'cardea/api-key-checksum/v1',
  keyEncryption: 'cardea/key-encryption/v1',
  pageToken: 'cardea/page-token/v1',
} as const;

/** The master secret as HKDF input. `secret` must have at least 32 bytes of entropy. */
export async function importMasterSecret(secret: string): Promise<CryptoKey> {
  const usages: KeyUsage[] = ['deriveKey', 'deriveBits'];
  return crypto.subtle.importKey('raw', encodeUtf8(secret), 'HKDF', false, usages);
}

export async function deriveChecksumKey(master: CryptoKey): Promise<ChecksumKey> {
  const raw = new Uint8Array(
    await crypto.subtle.deriveBits(parametersOf(LABELS.checksum), master, 256),
  );
  const key = await importHmacKey(raw);
  raw.fill(0);
  return key as ChecksumKey;
}

export async function deriveKeyEncryptionKey(master: CryptoKey): Promise<KeyEncryptionKey> {
  return (await deriveAes(master, LABELS.keyEncryption)) as KeyEncryptionKey;
}

export async function derivePageTokenKey(master: CryptoKey): Promise<PageTokenKey> {
  return (await deriveAes(master, LABELS.pageToken)) as PageTokenKey;
}

function deriveAes(master: CryptoKey, label: string): Promise<CryptoKey> {
  const algorithm = { name: 'AES-GCM', length: 256 };
  const usages: KeyUsage[] = ['encrypt', 'decrypt'];
  return crypto.subtle.deriveKey(parametersOf(label), master, algorithm, false, usages);
}

/** RFC 5869 §3.1: without a salt, a string of zeros of the hash's length. */
function parametersOf(label: string) {
  return { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(32), info: encodeUtf8(label) };
}
