/**
 * Brings what is sealed under a former master secret under the current one, so that the former one
 * may go.
 */

import { decodeBase64url, encodeBase64url } from '@cardea/shared/bytes/base64url';
import { openAead, sealAead } from '@cardea/shared/crypto/aead';
import type { KeyEncryptionKey } from '@cardea/shared/crypto/derive-key';
import type { RandomBytes } from '@cardea/shared/crypto/random';
import type { KeyRing } from './master-keys.ts';

export interface ResealingMeans {
  readonly keyEncryption: KeyRing<KeyEncryptionKey>;
  readonly randomBytes: RandomBytes;
}

/** `resealed` carries the new text; `unreadable`: it opens under none of the keys. */
export type Resealed =
  | { readonly outcome: 'current' | 'unreadable' }
  | { readonly outcome: 'resealed'; readonly sealed: string };

export async function reseal(
  text: string,
  associatedData: Uint8Array<ArrayBuffer>,
  { keyEncryption: [current, ...former], randomBytes }: ResealingMeans,
): Promise<Resealed> {
  const sealed = decodeBase64url(text) ?? new Uint8Array(0);
  if ((await openAead(current, sealed, associatedData)) !== undefined) {
    return { outcome: 'current' };
  }
  for (const key of former) {
    const plaintext = await openAead(key, sealed, associatedData);
    if (plaintext === undefined) continue;
    const nonce = randomBytes(12);
    const resealed = await sealAead(current, { plaintext, associatedData, nonce });
    plaintext.fill(0);
    return { outcome: 'resealed', sealed: encodeBase64url(resealed) };
  }
  return { outcome: 'unreadable' };
}
