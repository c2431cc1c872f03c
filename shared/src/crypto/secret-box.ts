/**
 * XSalsa20-Poly1305 as in NaCl's `crypto_secretbox`: what libmacaroons wraps the key of a third-party
 * caveat in. The form is `nonce ‖ tag ‖ ciphertext`.
 */

import { xsalsa20poly1305 } from '@noble/ciphers/salsa.js';
import { concatBytes } from '../bytes/framing.ts';

type Bytes = Uint8Array<ArrayBuffer>;

export const SECRET_BOX_NONCE_BYTES = 24;
const TAG_BYTES = 16;

export interface SecretBoxSealing {
  readonly plaintext: Bytes;
  /** 24 bytes drawn at random for this one message. */
  readonly nonce: Bytes;
}

/** `key` has 32 bytes. */
export function sealSecretBox(key: Bytes, { plaintext, nonce }: SecretBoxSealing): Bytes {
  return concatBytes(nonce, xsalsa20poly1305(key, nonce).encrypt(plaintext));
}

/** The plaintext, or `undefined` if the key or any byte of `sealed` is another one. */
export function openSecretBox(key: Bytes, sealed: Bytes): Bytes | undefined {
  if (sealed.length < SECRET_BOX_NONCE_BYTES + TAG_BYTES) return undefined;
  const cipher = xsalsa20poly1305(key, sealed.subarray(0, SECRET_BOX_NONCE_BYTES));
  try {
    return cipher.decrypt(sealed.subarray(SECRET_BOX_NONCE_BYTES)) as Bytes;
  } catch {
    return undefined; // With these lengths its only error is a wrong tag.
  }
}
