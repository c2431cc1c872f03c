/** HMAC-SHA-256 (RFC 2104). */

import { nativeDigests } from './native-digests.ts';

type Mac = (message: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>;

/** What computes with a key at once, where the runtime can: the key itself gives nothing away. */
const nativeMacs = new WeakMap<CryptoKey, Mac>();

export async function hmacSha256(
  key: CryptoKey,
  message: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  const native = nativeMacs.get(key);
  if (native !== undefined) return native(message);
  return new Uint8Array(await crypto.subtle.sign('HMAC', key, message));
}

/** A non-extractable HMAC key from raw bytes that were drawn at random. */
export async function importHmacKey(raw: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  const key = await crypto.subtle.importKey('raw', raw, algorithm, false, ['sign']);
  const native = nativeDigests()?.hmacSha256(raw);
  if (native !== undefined) nativeMacs.set(key, native);
  return key;
}
