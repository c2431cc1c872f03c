/**
 * Ids of imported keys: `hex(HMAC-SHA256(pepper, tenant id ‖ 0x00 ‖ SHA-256(raw key)))`. The raw key
 * and its plain hash lead to the same id, and neither is stored: who reads the database cannot try
 * weak keys offline without the pepper, which is sealed.
 */

import { concatBytes } from '@cardea/shared/bytes/framing';
import { encodeHex } from '@cardea/shared/bytes/hex';
import { encodeUtf8 } from '@cardea/shared/bytes/utf8';
import { sha256 } from '@cardea/shared/crypto/digest';
import { hmacSha256, importHmacKey } from '@cardea/shared/crypto/hmac';
import { type SecretMeans, storedSecret } from '../tokens/stored-secret.ts';

const PEPPER = 'import-pepper';

/** The pepper as a key; read once, then remembered by the returned function. It never changes. */
export function importPepperReader(means: SecretMeans): () => Promise<CryptoKey> {
  let known: CryptoKey | undefined;
  return async () => {
    // The key and not the promise of it: a promise must not outlive the request that made it.
    known ??= await importHmacKey(await storedSecret(PEPPER, means));
    return known;
  };
}

/** What stands for the raw key itself: SHA-256 of its UTF-8 bytes. */
export function rawKeyHashOf(rawKey: string): Promise<Uint8Array<ArrayBuffer>> {
  return sha256(encodeUtf8(rawKey));
}

/** 64 hexadecimal digits. A tenant id has a fixed length, so the framing is unambiguous. */
export async function importedKeyId(
  pepper: CryptoKey,
  tenantId: string,
  rawKeyHash: Uint8Array<ArrayBuffer>,
): Promise<string> {
  const message = concatBytes(encodeUtf8(tenantId), Uint8Array.of(0), rawKeyHash);
  return encodeHex(await hmacSha256(pepper, message));
}
