/**
 * Random secrets that must outlive the master secret: created once, sealed under the key-encryption
 * key, bound to their name.
 */

import { decodeBase64url, encodeBase64url } from '@cardea/shared/bytes/base64url';
import { frame } from '@cardea/shared/bytes/framing';
import { openAead, sealAead } from '@cardea/shared/crypto/aead';
import type { KeyEncryptionKey } from '@cardea/shared/crypto/derive-key';
import type { RandomBytes } from '@cardea/shared/crypto/random';
import type { KeyRing } from '../master-keys.ts';
import { type Resealed, reseal } from '../reseal.ts';
import { SealUnreadable } from '../seal-unreadable.ts';

/** The port. Throws `StoreUnavailable`. */
export interface StoredSecretStore {
  find(name: string): Promise<string | undefined>;
  /** Writes `sealed` unless the name is taken; answers what is stored afterwards. */
  insertOnce(name: string, sealed: string): Promise<string>;
  /** Every name with its sealed text. */
  list(): Promise<ReadonlyArray<{ readonly name: string; readonly sealed: string }>>;
  /** Replaces the sealed text by the same secret under another key, unless it has changed since. */
  reseal(name: string, oldSealed: string, newSealed: string): Promise<void>;
}

export interface SecretMeans {
  readonly store: StoredSecretStore;
  readonly keyEncryption: KeyRing<KeyEncryptionKey>;
  readonly randomBytes: RandomBytes;
}

const SECRET_BYTES = 32;

/** The 32 random bytes called `name`, created at the first call anywhere. */
export async function storedSecret(
  name: string,
  { store, keyEncryption, randomBytes }: SecretMeans,
): Promise<Uint8Array<ArrayBuffer>> {
  const found = await store.find(name);
  if (found !== undefined) return open(name, found, keyEncryption);
  const candidate = await sealAead(keyEncryption[0], {
    plaintext: randomBytes(SECRET_BYTES),
    associatedData: associatedDataOf(name),
    nonce: randomBytes(12),
  });
  // Another isolate may have been faster: what is stored counts, not what was made here.
  return open(name, await store.insertOnce(name, encodeBase64url(candidate)), keyEncryption);
}

/** The same secret under the current master secret. */
export function resealStoredSecret(
  { name, sealed }: { readonly name: string; readonly sealed: string },
  means: Omit<SecretMeans, 'store'>,
): Promise<Resealed> {
  return reseal(sealed, associatedDataOf(name), means);
}

async function open(
  name: string,
  text: string,
  keyEncryption: KeyRing<KeyEncryptionKey>,
): Promise<Uint8Array<ArrayBuffer>> {
  const sealed = decodeBase64url(text);
  for (const key of sealed === undefined ? [] : keyEncryption) {
    const secret = await openAead(key, sealed ?? new Uint8Array(0), associatedDataOf(name));
    if (secret !== undefined) return secret;
  }
  throw new SealUnreadable('secret');
}

function associatedDataOf(name: string): Uint8Array<ArrayBuffer> {
  return frame('stored-secret', name);
}
