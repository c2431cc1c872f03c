/** The keys that are derived from the master secret, the current one and those of former secrets. */

import {
  type ChecksumKey,
  deriveChecksumKey,
  deriveKeyEncryptionKey,
  derivePageTokenKey,
  importMasterSecret,
  type KeyEncryptionKey,
  type PageTokenKey,
} from '@cardea/shared/crypto/derive-key';
import type { ControlPlaneConfig } from './config.ts';

/** One purpose: the first key writes, all of them read. */
export type KeyRing<Key> = readonly [Key, ...Key[]];

export interface MasterKeys {
  readonly checksum: KeyRing<ChecksumKey>;
  readonly keyEncryption: KeyRing<KeyEncryptionKey>;
  readonly pageToken: KeyRing<PageTokenKey>;
}

export async function deriveMasterKeys({
  secrets: [current, ...retired],
}: Pick<ControlPlaneConfig, 'secrets'>): Promise<MasterKeys> {
  const newest = await importMasterSecret(current.reveal());
  const older = await Promise.all(retired.map((secret) => importMasterSecret(secret.reveal())));
  const ring = async <Key>(derive: (master: CryptoKey) => Promise<Key>): Promise<KeyRing<Key>> => [
    await derive(newest),
    ...(await Promise.all(older.map(derive))),
  ];
  return {
    checksum: await ring(deriveChecksumKey),
    keyEncryption: await ring(deriveKeyEncryptionKey),
    pageToken: await ring(derivePageTokenKey),
  };
}
