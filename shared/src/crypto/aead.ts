/** Authenticated encryption: AES-256-GCM (NIST SP 800-38D), nonce of 96 bits in front. */

import { concatBytes } from '../bytes/framing.ts';

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export interface Sealing {
  readonly plaintext: Uint8Array<ArrayBuffer>;
  /** What the ciphertext is bound to; frame it (`bytes/framing`). */
  readonly associatedData: Uint8Array<ArrayBuffer>;
  /** 12 bytes drawn at random for this one message. */
  readonly nonce: Uint8Array<ArrayBuffer>;
}

/** A non-extractable AES-256 key from 32 bytes drawn at random, or derived for this one purpose. */
export async function importAeadKey(
  raw: Uint8Array<ArrayBuffer>,
  usages: ReadonlyArray<'encrypt' | 'decrypt'>,
): Promise<CryptoKey> {
  if (raw.length !== KEY_BYTES) throw new TypeError('a key of AES-256 has 32 bytes');
  return crypto.subtle.importKey('raw', raw, 'AES-GCM', false, usages);
}

/** `nonce ‖ ciphertext ‖ tag`. */
export async function sealAead(key: CryptoKey, sealing: Sealing): Promise<Uint8Array<ArrayBuffer>> {
  const { plaintext, associatedData, nonce } = sealing;
  const parameters = { name: 'AES-GCM', iv: nonce, additionalData: associatedData };
  const ciphertext = await crypto.subtle.encrypt(parameters, key, plaintext);
  return concatBytes(nonce, new Uint8Array(ciphertext));
}

/** The plaintext, or `undefined` if key, associated data or any byte of `sealed` is another one. */
export async function openAead(
  key: CryptoKey,
  sealed: Uint8Array<ArrayBuffer>,
  associatedData: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (sealed.length < NONCE_BYTES + TAG_BYTES) return undefined;
  const iv = sealed.slice(0, NONCE_BYTES);
  const parameters = { name: 'AES-GCM', iv, additionalData: associatedData };
  try {
    const plaintext = await crypto.subtle.decrypt(parameters, key, sealed.slice(NONCE_BYTES));
    return new Uint8Array(plaintext);
  } catch (error) {
    if (error instanceof DOMException && error.name === 'OperationError') return undefined;
    throw error; // Anything but a failed tag is a bug or an outage.
  }
}
