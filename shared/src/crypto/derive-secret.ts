/**
 * Secrets derived from a random root that is stored once, by HKDF-SHA-256 (RFC 5869): one label per
 * purpose, and a framed context that says which of that purpose's secrets it is.
 * The labels are a format: never change one, add another.
 */

import { frame } from '../bytes/framing.ts';

/** `edge`: seals macaroon keys for one edge. `macaroon*`: the key of one epoch, and its name. */
export type SecretPurpose = keyof typeof LABELS;

const LABELS = {
  edge: 'cardea/edge-secret/v1',
  macaroonKey: 'cardea/macaroon-key/v1',
  macaroonKid: 'cardea/macaroon-kid/v1',
  discharge: 'cardea/discharge-key/v1',
} as const;

/** The root as HKDF input: 32 random bytes that nothing but this derivation uses. */
export type SecretRoot = CryptoKey;

export async function importSecretRoot(root: Uint8Array<ArrayBuffer>): Promise<SecretRoot> {
  return crypto.subtle.importKey('raw', root, 'HKDF', false, ['deriveBits']);
}

/** 32 bytes. Another purpose or context, whatever it is, makes another secret. */
export async function deriveSecret(
  root: SecretRoot,
  purpose: SecretPurpose,
  context: readonly string[],
): Promise<Uint8Array<ArrayBuffer>> {
  const info = frame(LABELS[purpose], ...context);
  // RFC 5869 §3.1: without a salt, a string of zeros of the hash's length.
  const parameters = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(32), info };
  return new Uint8Array(await crypto.subtle.deriveBits(parameters, root, 256));
}
